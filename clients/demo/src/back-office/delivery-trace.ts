import type { Envelope } from '@usher/client';
import { element, setText } from '../dom.js';
import { formatDelay } from '../screen/event-log.js';
import type { ShownRequest } from './curl.js';
import { type Delivery, describePush, type EventReport } from './event-report.js';
import { EventTimeline, type ShownDevice } from './event-timeline.js';
import { RecentSteps, type TimelineStep } from './recent-steps.js';
import { TraceDetails } from './trace-details.js';

export interface DeliveryTraceOptions {
  readonly title: string;
  /** The type of the event that the action will cause; undefined if it causes none. */
  readonly eventType: string | undefined;
  readonly devices: readonly ShownDevice[];
  readonly readEvent: (eventId: string) => Promise<EventReport>;
  readonly readTimeline: () => Promise<readonly TimelineStep[]>;
  /** Returns where the console shows the event, or the user; undefined without a console. */
  readonly getConsoleLink: (eventId?: string) => string | undefined;
  readonly onTimelineOpened: () => void;
  /** A push of the event reached this device. */
  readonly onPushed: () => void;
}

/** A request that was made, and its response. */
export interface TracedRequest extends ShownRequest {
  readonly response?: string;
}

interface DeviceStatus {
  readonly pill: HTMLLIElement;
  readonly name: string;
  delayMs: number | undefined;
}

/**
 * Shows what one action caused: the requests that came in, the new version, the event, and how far it got on each device. It opens to the
 * commands, the payloads and the timeline.
 */
export class DeliveryTrace {
  readonly root: HTMLLIElement;
  readonly eventType: string | undefined;
  eventId: string | undefined;
  offset: number | undefined;
  private readonly steps = element('ol', { class: 'trace-steps' });
  private readonly eventStep = element('li', { class: 'trace-step' }, '…');
  private readonly devices = new Map<string, DeviceStatus>();
  private readonly timeline: EventTimeline;
  private readonly details: TraceDetails;

  constructor(private readonly options: DeliveryTraceOptions) {
    const { title, eventType, devices, readEvent } = options;
    this.eventType = eventType;
    this.timeline = new EventTimeline({
      devices,
      read: readEvent,
      onDelivery: (delivery) => this.showPush(delivery),
    });
    this.details = eventType === undefined ? this.createPlainDetails() : new TraceDetails(this.timeline.root);
    this.details.onTimelineOpened(options.onTimelineOpened);
    if (eventType !== undefined)
      this.steps.append(this.eventStep, element('li', { class: 'trace-step' }, this.createPills()));
    const time = element('time', {}, new Date().toLocaleTimeString('en-GB'));
    const head = element('p', { class: 'trace-head' }, element('strong', {}, title), time);
    this.root = element('li', { class: 'trace' }, head, this.steps, this.details.root);
  }

  /** Adds a request to Usher, in front of the event that it caused. `text` says it in short. */
  addRequest(text: string, request: TracedRequest): void {
    const step = element('li', { class: 'trace-step trace-request' }, text);
    if (this.eventType === undefined) this.steps.append(step);
    else this.eventStep.before(step);
    this.details.addRequest(request);
    if (request.response !== undefined) this.details.addResponse(request.response);
  }

  setOpen(isOpen: boolean): void {
    this.details.setOpen(isOpen);
  }

  /** Ends what it does in the background. */
  stop(): void {
    this.timeline.stop();
  }

  showError(text: string): void {
    this.root.dataset['failed'] = 'true';
    this.steps.replaceChildren(element('li', { class: 'trace-step' }, text));
  }

  /** Shows the timeline of this event, once it is known which one it is. */
  follow(eventId: string): void {
    if (this.eventId === undefined) this.addConsoleLink(this.details, eventId);
    this.eventId ??= eventId;
    this.timeline.follow(eventId);
  }

  markReceived(deviceId: string, event: Envelope, delayMs: number): void {
    this.follow(event.id);
    this.offset ??= event.offset;
    this.details.setEvent(event);
    const version = getVersion(event.data);
    const label = event.type === 'membership.changed' ? 'membership version' : 'version';
    const prefix = version === undefined ? '' : `${label} ${version}, `;
    setText(this.eventStep, `${prefix}event #${event.offset ?? '–'} ${event.tier}`);
    const status = this.devices.get(deviceId);
    if (!status) return;
    status.delayMs = delayMs;
    renderStatus(status, 'received');
  }

  markReceipt(deviceId: string, state: 'applied' | 'seen'): void {
    const status = this.devices.get(deviceId);
    if (status) renderStatus(status, state);
  }

  /** Does nothing if the device has received the event. */
  markSuperseded(deviceId: string): void {
    const status = this.devices.get(deviceId);
    if (!status || status.delayMs !== undefined) return;
    status.pill.title = 'It was away, and a newer event of the same kind was all it needed';
    setText(status.pill, `${status.name} superseded`);
  }

  /** Those of an action that causes no event: they show what Usher noted last. */
  private createPlainDetails(): TraceDetails {
    const steps = new RecentSteps(this.options.readTimeline);
    const details = new TraceDetails(steps.root);
    details.onTimelineOpened(() => void steps.load());
    this.addConsoleLink(details);
    return details;
  }

  private addConsoleLink(details: TraceDetails, eventId?: string): void {
    const link = this.options.getConsoleLink(eventId);
    if (link !== undefined) details.addLink('In the console', link);
  }

  private createPills(): HTMLElement {
    const pills = element('ul', { class: 'trace-devices' });
    for (const { deviceId, name } of this.options.devices) {
      const pill = element('li', { 'data-state': 'waiting' }, name);
      this.devices.set(deviceId, { pill, name, delayMs: undefined });
      pills.append(pill);
    }
    return pills;
  }

  /** A device that has the event itself needs no word about its push. */
  private showPush(delivery: Delivery): void {
    const status = this.devices.get(delivery.deviceId);
    const text = describePush(delivery);
    if (!status || status.delayMs !== undefined || text === undefined) return;
    status.pill.dataset['state'] = delivery.push?.state === 'delivered' ? 'pushed' : 'waiting';
    setText(status.pill, `${status.name} ${text}`);
    if (delivery.push?.state === 'delivered') this.options.onPushed();
  }
}

function renderStatus({ pill, name, delayMs }: DeviceStatus, state: string): void {
  pill.dataset['state'] = state;
  setText(pill, `${name} ${delayMs === undefined ? '' : formatDelay(delayMs)} ${state}`);
}

function getVersion(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('version' in data)) return undefined;
  return String(data.version);
}
