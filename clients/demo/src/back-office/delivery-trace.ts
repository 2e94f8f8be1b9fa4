import type { Envelope } from '@usher/client';
import { element, setText } from '../dom.js';
import { formatDelay } from '../screen/event-log.js';

interface DeviceStatus {
  readonly pill: HTMLLIElement;
  delayMs: number | undefined;
}

/** Shows what one action caused: the requests that came in, the new version, the event, and how far it got on each device. */
export class DeliveryTrace {
  readonly root: HTMLLIElement;
  eventId: string | undefined;
  offset: number | undefined;
  private readonly steps = element('ol', { class: 'trace-steps' });
  private readonly eventStep = element('li', { class: 'trace-step' }, '…');
  private readonly devices = new Map<string, DeviceStatus>();

  constructor(
    title: string,
    readonly eventType: string,
    deviceNames: readonly string[],
  ) {
    const time = element('time', {}, new Date().toLocaleTimeString('en-GB'));
    const pills = element('ul', { class: 'trace-devices' });
    for (const name of deviceNames) {
      const pill = element('li', { 'data-state': 'waiting' }, name);
      this.devices.set(name, { pill, delayMs: undefined });
      pills.append(pill);
    }
    this.steps.append(this.eventStep, element('li', { class: 'trace-step' }, pills));
    this.root = element(
      'li',
      { class: 'trace' },
      element('p', { class: 'trace-head' }, element('strong', {}, title), time),
      this.steps,
    );
  }

  /** Adds a request to Usher, in front of the event that it caused. */
  addRequest(text: string): void {
    this.eventStep.before(element('li', { class: 'trace-step trace-request' }, text));
  }

  showError(text: string): void {
    this.root.dataset['failed'] = 'true';
    this.steps.replaceChildren(element('li', { class: 'trace-step' }, text));
  }

  markReceived(deviceName: string, event: Envelope, delayMs: number): void {
    this.eventId ??= event.id;
    this.offset ??= event.offset;
    const version = getVersion(event.data);
    const label = event.type === 'membership.changed' ? 'membership version' : 'version';
    const prefix = version === undefined ? '' : `${label} ${version}, `;
    setText(this.eventStep, `${prefix}event #${event.offset ?? '–'} ${event.tier}`);
    const status = this.devices.get(deviceName);
    if (!status) return;
    status.delayMs = delayMs;
    renderStatus(status, deviceName, 'received');
  }

  markReceipt(deviceName: string, state: 'applied' | 'seen'): void {
    const status = this.devices.get(deviceName);
    if (status) renderStatus(status, deviceName, state);
  }

  /** Does nothing if the device has received the event. */
  markSuperseded(deviceName: string): void {
    const status = this.devices.get(deviceName);
    if (!status || status.delayMs !== undefined) return;
    status.pill.title = 'It was away, and a newer event of the same kind was all it needed';
    setText(status.pill, `${deviceName} superseded`);
  }
}

function renderStatus({ pill, delayMs }: DeviceStatus, deviceName: string, state: string): void {
  pill.dataset['state'] = state;
  setText(pill, `${deviceName} ${delayMs === undefined ? '' : formatDelay(delayMs)} ${state}`);
}

function getVersion(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('version' in data)) return undefined;
  return String(data.version);
}
