import { channel } from 'node:diagnostics_channel';

/**
 * How far an event has come in this process: taken into a lane of commits, sent to PostgreSQL, committed, given to the connections of this
 * node, and written to a device (once for each device).
 */
export type EventStep = 'queued' | 'committing' | 'committed' | 'dispatched' | 'written';

/** What subscribers of the channel get. */
export interface EventStepMessage {
  readonly step: EventStep;
  readonly id: string;
}

const steps = channel('usher:event-step');

/**
 * Tells subscribers of the diagnostics channel `usher:event-step`, at once. Nobody subscribes to it in production, and then it costs one
 * comparison. What is loaded before the server (`node --import`) can subscribe; the bench does.
 */
export function reportStep(step: EventStep, id: string): void {
  if (steps.hasSubscribers) steps.publish({ step, id } satisfies EventStepMessage);
}

/** The same for several events. */
export function reportSteps<Event>(
  step: EventStep,
  events: readonly Event[],
  idOf: (event: Event) => string,
): void {
  if (steps.hasSubscribers) for (const event of events) reportStep(step, idOf(event));
}
