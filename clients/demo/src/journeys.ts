import type { Envelope } from '@usher/client';
import { element } from './dom.js';
import { Journey } from './journey.js';

const KEPT = 6;
/** An event so old was missed by everybody here: it is a device's catching up, and no journey of now. */
const OLD_MS = 5_000;

/** The latest journeys, newest on top. */
export class Journeys {
  readonly root = element('ol', { class: 'journeys' });
  private journeys: Journey[] = [];

  constructor(private readonly devices: readonly string[]) {
    this.root.setAttribute('aria-label', 'What travelled');
    this.root.tabIndex = 0; // it scrolls
    this.root.append(element('li', { class: 'empty' }, 'Press a button, and follow what it sets in motion.'));
  }

  begin(title: string, eventType: string): Journey {
    const journey = new Journey(title, eventType, this.devices);
    if (this.journeys.length === 0) this.root.replaceChildren();
    this.journeys = [journey, ...this.journeys].slice(0, KEPT);
    this.root.prepend(journey.root);
    while (this.root.childElementCount > KEPT) this.root.lastElementChild?.remove();
    this.root.scrollTop = 0;
    return journey;
  }

  heard(deviceName: string, event: Envelope, ms: number): void {
    if (event.offset === undefined || event.target !== undefined) return;
    this.of(event, ms)?.heard(deviceName, event, ms);
  }

  receipt(deviceName: string, event: Envelope, state: 'applied' | 'seen'): void {
    this.journeys.find(({ eventId }) => eventId === event.id)?.receipt(deviceName, state);
  }

  /** What a device did not hear by now was superseded by a newer event of its key, and will never come. */
  caughtUp(deviceName: string, offset: number): void {
    for (const journey of this.journeys)
      if ((journey.offset ?? Infinity) <= offset) journey.superseded(deviceName);
  }

  /** The journey that this event belongs to; one that no button here began is worth showing too. */
  private of(event: Envelope, ms: number): Journey | undefined {
    const known = this.journeys.find(({ eventId }) => eventId === event.id);
    if (known) return known;
    if (ms > OLD_MS) return undefined;
    const open = this.journeys.find(
      ({ eventId, eventType }) => eventId === undefined && eventType === event.type,
    );
    return open ?? this.begin('From outside this page', event.type);
  }
}
