import type { Envelope } from '@usher/client';
import { DeliveryTrace } from './delivery-trace.js';
import { element } from '../dom.js';

const MAX_TRACES = 6;
/** An event that is older when it is received was missed by all devices here. It belongs to no current trace. */
const MAX_DELAY_MS = 5_000;

/** Shows the latest delivery traces, newest first. */
export class DeliveryTraceList {
  readonly root = element('ol', { class: 'traces' });
  private traces: DeliveryTrace[] = [];

  constructor(private readonly deviceNames: readonly string[]) {
    this.root.setAttribute('aria-label', 'What travelled');
    this.root.tabIndex = 0; // it scrolls, and must do so by keyboard
    this.root.append(element('li', { class: 'empty' }, 'Press a button, and follow what it sets in motion.'));
  }

  /** Adds a trace of an action that will cause an event of this type. */
  add(title: string, eventType: string): DeliveryTrace {
    const trace = new DeliveryTrace(title, eventType, this.deviceNames);
    if (this.traces.length === 0) this.root.replaceChildren();
    this.traces = [trace, ...this.traces].slice(0, MAX_TRACES);
    this.root.prepend(trace.root);
    while (this.root.childElementCount > MAX_TRACES) this.root.lastElementChild?.remove();
    this.root.scrollTop = 0;
    return trace;
  }

  markReceived(deviceName: string, event: Envelope, delayMs: number): void {
    if (event.offset === undefined || event.target !== undefined) return;
    this.getTrace(event, delayMs)?.markReceived(deviceName, event, delayMs);
  }

  markReceipt(deviceName: string, event: Envelope, state: 'applied' | 'seen'): void {
    this.traces.find(({ eventId }) => eventId === event.id)?.markReceipt(deviceName, state);
  }

  /** The device has read to this offset. What it has not received by now was superseded, and will never come. */
  markCaughtUp(deviceName: string, offset: number): void {
    for (const trace of this.traces)
      if ((trace.offset ?? Infinity) <= offset) trace.markSuperseded(deviceName);
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
