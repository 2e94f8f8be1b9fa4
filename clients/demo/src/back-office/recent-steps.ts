import { element } from '../dom.js';

/** A step of GET /v1/users/{userId}/timeline, with the fields that are shown of any kind. */
export interface TimelineStep {
  readonly at: string;
  readonly step: 'webhook' | 'membership' | 'event' | 'stream';
  readonly type?: string;
  readonly status?: string;
  readonly version?: number;
  readonly offset?: number;
  readonly titleId?: string;
  readonly deviceId?: string;
  readonly endedAt?: string | null;
  readonly reason?: string | null;
}

/** Shows the newest steps of the user's timeline, for an action that causes no event. */
export class RecentSteps {
  readonly root = element('ol', { class: 'timeline' });

  constructor(private readonly read: () => Promise<readonly TimelineStep[]>) {}

  /** Reads them anew. */
  async load(): Promise<void> {
    const steps = await this.read().catch(() => undefined);
    const lines = steps?.map((step) => element('li', {}, describeStep(step)));
    this.root.replaceChildren(...(lines ?? [element('li', {}, 'The timeline cannot be read now.')]));
  }
}

function describeStep(step: TimelineStep): string {
  return `${step.at.slice(11, 23)} UTC: ${step.step} ${describeKind(step)}`;
}

function describeKind({
  step,
  type,
  status,
  version,
  offset,
  titleId,
  deviceId,
  endedAt,
  reason,
}: TimelineStep): string {
  switch (step) {
    case 'webhook':
      return `${type ?? ''}, ${status ?? ''}`;
    case 'membership':
      return `version ${version ?? 0}, ${status ?? ''}`;
    case 'event':
      return `${type ?? ''}, offset ${offset ?? 0}`;
    case 'stream':
      return `of ${titleId ?? ''} on ${deviceId ?? ''}, ${endedAt ? `ended (${reason ?? 'by the edge node'})` : 'runs'}`;
  }
}
