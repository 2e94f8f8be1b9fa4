import { element } from '../dom.js';
import { type Delivery, describeDelivery, type EventReport, isSettled } from './event-report.js';

export interface ShownDevice {
  readonly deviceId: string;
  readonly name: string;
}

export interface EventTimelineOptions {
  /** The devices of this page. Others of the user are only counted. */
  readonly devices: readonly ShownDevice[];
  readonly read: (eventId: string) => Promise<EventReport>;
  readonly onDelivery: (delivery: Delivery) => void;
}

/** Delays between the readings. The last ones see the push of an important event, which waits for an acknowledgement first. */
const DELAYS_MS = [150, 400, 1_000, 2_000, 3_000, 4_000, 6_000];

/** Asks Usher what became of one event, until it is settled on each device of the page, and shows it. */
export class EventTimeline {
  readonly root = element('ol', { class: 'timeline' });
  private eventId: string | undefined;
  private readings = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: EventTimelineOptions) {}

  /** Starts asking, or asks again after something happened. */
  follow(eventId: string): void {
    this.eventId = eventId;
    this.readings = 0;
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.eventId = undefined;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const delay = DELAYS_MS[this.readings];
    this.readings += 1;
    if (delay !== undefined) this.timer = setTimeout(() => void this.read(), delay);
  }

  private async read(): Promise<void> {
    const { eventId } = this;
    if (eventId === undefined) return;
    const report = await this.options.read(eventId).catch(() => undefined);
    if (this.eventId === undefined) return;
    if (report) this.render(report);
    if (!report || !this.ownDeliveries(report).every(({ delivery }) => isSettled(delivery))) this.schedule();
  }

  private ownDeliveries(report: EventReport): { name: string; delivery: Delivery }[] {
    return this.options.devices.flatMap(({ deviceId, name }) => {
      const delivery = report.devices.find((each) => each.deviceId === deviceId);
      return delivery ? [{ name, delivery }] : [];
    });
  }

  private render(report: EventReport): void {
    const own = this.ownDeliveries(report);
    const lines = own.map(({ name, delivery }) => {
      this.options.onDelivery(delivery);
      return element('li', {}, element('b', {}, name), ` ${describeDelivery(report, delivery)}`);
    });
    const others = report.devices.length - own.length;
    if (others > 0)
      lines.push(
        element('li', {}, `and ${others} other ${others === 1 ? 'device' : 'devices'} of this user`),
      );
    const time = new Date(report.at).toISOString().slice(11, 23);
    const head = `${time} UTC: ${report.type}, ${report.tier ?? 'no tier'}, offset ${report.offset}`;
    this.root.replaceChildren(element('li', {}, head), ...lines);
  }
}
