import type { Envelope } from '@usher/client';
import { element, say } from './dom.js';

const KEPT = 40;

type Receipt = 'received' | 'applied' | 'seen';

interface Line {
  readonly row: HTMLLIElement;
  readonly type: HTMLElement;
  readonly receipt: HTMLElement;
  readonly ms: HTMLElement;
  readonly key: string;
  ids: Set<string>;
  count: number;
}

/** What one device heard: type, tier, offset, how far the receipt is, and how long after it happened. Newest on top. */
export class LogStrip {
  readonly root: HTMLElement;
  private readonly list = element('ol', { class: 'log-lines' });
  private lines: Line[] = [];

  constructor(deviceName: string) {
    this.list.setAttribute('aria-label', `Events heard by ${deviceName}`);
    this.list.tabIndex = 0; // it scrolls, and must do so without a mouse
    this.root = element('div', { class: 'log' }, this.list);
  }

  event(event: Envelope, ms: number): void {
    const [newest] = this.lines;
    // Routine events of one key replace each other on the wire, and so do they here.
    if (newest && event.offset === undefined && newest.key === event.key) return this.again(newest, ms);
    const line = this.lineOf(event, ms);
    this.lines = [line, ...this.lines];
    this.add(line.row);
  }

  /** The server took this receipt. */
  receipt(eventId: string, state: Receipt): void {
    const line = this.lines.find(({ ids }) => ids.has(eventId));
    if (!line) return;
    say(line.receipt, state);
    line.receipt.className = `log-receipt ${state}`;
  }

  note(text: string): void {
    this.add(element('li', { class: 'log-note' }, text));
  }

  private lineOf(event: Envelope, ms: number): Line {
    const type = element('span', { class: 'log-type' }, event.type);
    const receipt = element('span', {
      class: `log-receipt ${event.offset === undefined ? 'none' : 'received'}`,
    });
    receipt.textContent = event.offset === undefined ? '–' : 'received';
    const delay = element('span', { class: 'log-ms' }, delayText(ms));
    const place = element(
      'span',
      { class: 'log-offset' },
      event.offset === undefined ? '' : `#${event.offset}`,
    );
    const tier = element('span', { class: `log-tier ${event.tier}` }, event.tier);
    const row = element('li', { 'data-event': event.type }, type, tier, place, receipt, delay);
    return { row, type, receipt, ms: delay, key: event.key, ids: new Set([event.id]), count: 1 };
  }

  private again(line: Line, ms: number): void {
    line.count += 1;
    say(line.type, `${line.type.textContent?.replace(/ ×\d+$/, '') ?? ''} ×${line.count}`);
    say(line.ms, delayText(ms));
  }

  private add(row: HTMLLIElement): void {
    this.list.prepend(row);
    while (this.list.childElementCount > KEPT) this.list.lastElementChild?.remove();
    this.lines = this.lines.slice(0, KEPT);
    this.list.scrollTop = 0;
  }
}

export function delayText(ms: number): string {
  if (ms < 1) return '<1 ms';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 100_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
