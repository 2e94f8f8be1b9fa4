import type { Envelope } from '@usher/client';
import { element, setText } from '../dom.js';

const MAX_ROWS = 40;

interface LogEntry {
  readonly row: HTMLLIElement;
  readonly type: HTMLElement;
  readonly receipt: HTMLElement;
  readonly delay: HTMLElement;
  readonly json: HTMLElement;
  readonly eventId: string;
  readonly key: string;
  count: number;
}

/**
 * Shows the events that one device received: type, tier, offset, receipt, and delay. Newest first. A row opens and shows the event as it
 * came.
 */
export class EventLog {
  readonly root: HTMLElement;
  private readonly list = element('ol', { class: 'log-lines' });
  private entries: LogEntry[] = [];

  constructor(deviceName: string) {
    this.list.setAttribute('aria-label', `Events received by ${deviceName}`);
    this.list.tabIndex = 0; // it scrolls, and must do so by keyboard
    this.root = element('div', { class: 'log' }, this.list);
  }

  addEvent(event: Envelope, delayMs: number): void {
    const [newest] = this.entries;
    // Routine events of one key replace each other, so they share a row.
    if (newest && event.offset === undefined && newest.key === event.key)
      return repeat(newest, event, delayMs);
    const entry = createEntry(event, delayMs);
    this.entries = [entry, ...this.entries];
    this.prepend(entry.row);
  }

  /** The server accepted this receipt. */
  setReceipt(eventId: string, state: 'applied' | 'seen'): void {
    const entry = this.entries.find((each) => each.eventId === eventId);
    if (!entry) return;
    setText(entry.receipt, state);
    entry.receipt.className = `log-receipt ${state}`;
  }

  addNote(text: string): void {
    this.prepend(element('li', { class: 'log-note' }, text));
  }

  private prepend(row: HTMLLIElement): void {
    this.list.prepend(row);
    while (this.list.childElementCount > MAX_ROWS) this.list.lastElementChild?.remove();
    this.entries = this.entries.slice(0, MAX_ROWS);
    this.list.scrollTop = 0;
  }
}

function createEntry(event: Envelope, delayMs: number): LogEntry {
  const { offset, tier } = event;
  const isDurable = offset !== undefined;
  const type = element('span', { class: 'log-type' }, event.type);
  const tierCell = element('span', { class: `log-tier ${tier}` }, tier);
  const offsetCell = element('span', { class: 'log-offset' }, isDurable ? `#${offset}` : '');
  const receiptClass = `log-receipt ${isDurable ? 'received' : 'none'}`;
  const receipt = element('span', { class: receiptClass }, isDurable ? 'received' : '–');
  const delay = element('span', { class: 'log-ms' }, formatDelay(delayMs));
  const json = element('pre', {}, toJson(event));
  const summary = element('summary', {}, type, tierCell, offsetCell, receipt, delay);
  const row = element('li', { 'data-event': event.type }, element('details', {}, summary, json));
  return { row, type, receipt, delay, json, eventId: event.id, key: event.key, count: 1 };
}

function repeat(entry: LogEntry, event: Envelope, delayMs: number): void {
  entry.count += 1;
  setText(entry.type, `${entry.type.textContent?.replace(/ ×\d+$/, '') ?? ''} ×${entry.count}`);
  setText(entry.delay, formatDelay(delayMs));
  setText(entry.json, toJson(event));
}

const toJson = (event: Envelope): string => JSON.stringify(event, null, 2);

/** Returns a delay as `<1 ms`, `12 ms`, `3.4 s` or `5 min`. */
export function formatDelay(ms: number): string {
  if (ms < 1) return '<1 ms';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 100_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
