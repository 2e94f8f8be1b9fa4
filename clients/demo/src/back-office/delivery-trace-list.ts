import type { Envelope } from '@usher/client';
import { element } from '../dom.js';
import { LOAD_VARIABLES } from './curl.js';
import { DeliveryTrace, type DeliveryTraceOptions } from './delivery-trace.js';

const MAX_TRACES = 8;
/** An event that is older when it is received was missed by all devices here. It belongs to no current trace. */
const MAX_DELAY_MS = 5_000;

/** Shows the latest delivery traces, newest first. The newest shows its command. */
export class DeliveryTraceList {
  readonly root = element('div', { class: 'trace-list' });
  private readonly list = element('ol', { class: 'traces', 'aria-label': 'What travelled' });
  private readonly hint = element('p', { class: 'explanation', hidden: '' });
  private traces: DeliveryTrace[] = [];

  constructor(private readonly options: Omit<DeliveryTraceOptions, 'title' | 'eventType'>) {
    this.list.append(element('li', { class: 'empty' }, 'Press a button, and follow what it sets in motion.'));
    this.hint.append(
      'The commands take their secrets from variables. Load them once, in the folder of the project: ',
      element('code', {}, LOAD_VARIABLES),
    );
    this.root.append(this.hint, this.list);
  }

  /** Adds a trace of an action that will cause an event of this type, or none. */
  add(title: string, eventType?: string): DeliveryTrace {
    const trace = new DeliveryTrace({ ...this.options, title, eventType });
    if (this.traces.length === 0) this.list.replaceChildren();
    this.hint.hidden = false;
    for (const earlier of this.traces) earlier.setOpen(false);
    trace.setOpen(true);
    for (const dropped of this.traces.slice(MAX_TRACES - 1)) {
      dropped.stop();
      dropped.root.remove();
    }
    this.traces = [trace, ...this.traces].slice(0, MAX_TRACES);
    this.list.prepend(trace.root);
    return trace;
  }

  markReceived(deviceId: string, event: Envelope, delayMs: number): void {
    if (event.offset === undefined || event.target !== undefined) return;
    this.getTrace(event, delayMs)?.markReceived(deviceId, event, delayMs);
  }

  markReceipt(deviceId: string, event: Envelope, state: 'applied' | 'seen'): void {
    this.traces.find(({ eventId }) => eventId === event.id)?.markReceipt(deviceId, state);
  }

  /** The device has read to this offset. What it has not received by now was superseded, and will never come. */
  markCaughtUp(deviceId: string, offset: number): void {
    for (const trace of this.traces) if ((trace.offset ?? Infinity) <= offset) trace.markSuperseded(deviceId);
  }

  /** Returns the trace of this event. Adds one if no button of this page caused the event. */
  private getTrace(event: Envelope, delayMs: number): DeliveryTrace | undefined {
    const known = this.traces.find(({ eventId }) => eventId === event.id);
    if (known) return known;
    if (delayMs > MAX_DELAY_MS) return undefined;
    const waiting = this.traces.find(
      ({ eventId, eventType }) => eventId === undefined && eventType === event.type,
    );
    return waiting ?? this.add('From outside this page', event.type);
  }
}
