import type { Envelope } from '@usher/client';
import { element, say } from './dom.js';
import { delayText } from './log.js';

interface Stop {
  readonly pill: HTMLLIElement;
  ms: number | undefined;
}

/** What one act set in motion: what came in at the door, the version that it made, the event, and each device. */
export class Journey {
  readonly root: HTMLLIElement;
  eventId: string | undefined;
  offset: number | undefined;
  private readonly hops = element('ol', { class: 'hops' });
  private readonly result = element('li', { class: 'hop' }, '…');
  private readonly stops = new Map<string, Stop>();

  constructor(
    title: string,
    readonly eventType: string,
    devices: readonly string[],
  ) {
    const time = element('time', {}, new Date().toLocaleTimeString('en-GB'));
    const arrivals = element('ul', { class: 'arrivals' });
    for (const name of devices) {
      const pill = element('li', { 'data-state': 'waiting' }, name);
      this.stops.set(name, { pill, ms: undefined });
      arrivals.append(pill);
    }
    this.hops.append(this.result, element('li', { class: 'hop devices' }, arrivals));
    this.root = element(
      'li',
      { class: 'journey' },
      element('p', { class: 'journey-head' }, element('strong', {}, title), time),
      this.hops,
    );
  }

  /** Something came in by the door, in front of what followed from it. */
  cameIn(text: string): void {
    this.result.before(element('li', { class: 'hop door' }, text));
  }

  failed(text: string): void {
    this.root.dataset['failed'] = 'true';
    this.hops.replaceChildren(element('li', { class: 'hop' }, text));
  }

  heard(deviceName: string, event: Envelope, ms: number): void {
    this.eventId ??= event.id;
    this.offset ??= event.offset;
    const version = versionIn(event.data);
    const made =
      version === undefined
        ? ''
        : `${event.type === 'membership.changed' ? 'membership version' : 'version'} ${version}, `;
    say(this.result, `${made}event #${event.offset ?? '–'} ${event.tier}`);
    const stop = this.stops.get(deviceName);
    if (!stop) return;
    stop.ms = ms;
    this.arrived(stop, deviceName, 'received');
  }

  receipt(deviceName: string, state: 'applied' | 'seen'): void {
    const stop = this.stops.get(deviceName);
    if (stop) this.arrived(stop, deviceName, state);
  }

  superseded(deviceName: string): void {
    const stop = this.stops.get(deviceName);
    if (!stop || stop.ms !== undefined) return;
    stop.pill.title = 'It was away, and a newer event of the same kind was all it needed';
    say(stop.pill, `${deviceName} superseded`);
  }

  private arrived(stop: Stop, deviceName: string, state: string): void {
    stop.pill.dataset['state'] = state;
    say(stop.pill, `${deviceName} ${stop.ms === undefined ? '' : delayText(stop.ms)} ${state}`);
  }
}

function versionIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('version' in data)) return undefined;
  return String(data.version);
}
