import { plainText } from '../output/plain-text.js';
import type { DeviceStep, DescribedEvent } from './timeline.js';

/** Says in sentences what became of the event on each device, or on the one that is asked for. */
export function explain(event: DescribedEvent, devices: readonly DeviceStep[]): string[] {
  const { type, id, offset, at, tier, superseded } = event;
  const title = `${plainText(type)} (${id}), offset ${offset}, was stored at ${at}${tier === null ? '' : `, ${tier}`}.`;
  const outdated = superseded ? [`A newer event${ofKey(event)} has superseded it since${newer(event)}.`] : [];
  return [title, ...outdated, ...devices.flatMap((device) => ['', ...explainDevice(event, device)])];
}

function explainDevice(event: DescribedEvent, device: DeviceStep): string[] {
  const name = plainText(device.deviceId);
  const said = device.why === undefined ? [received(name, device)] : REASONS[device.why](name, event, device);
  return [...said, ...explainPush(device)];
}

function received(name: string, { receivedAt, appliedAt, seenAt, state }: DeviceStep): string {
  const steps = [
    receivedAt && `received it at ${receivedAt}`,
    appliedAt && `applied it at ${appliedAt}`,
    seenAt && `a person saw it there at ${seenAt}`,
  ].filter(Boolean);
  const missing = state === 'received' ? ' The app has not confirmed that it acted on it.' : '';
  return `${name} got it: it ${steps.join(', ')}.${missing}`;
}

/** A sentence for what is so, and one for what happens next or what to do. */
const REASONS: Record<
  NonNullable<DeviceStep['why']>,
  (name: string, event: DescribedEvent, device: DeviceStep) => string[]
> = {
  not_for_this_device: (name, { target }) => [
    `${name} was not meant to get it: it is for ${plainText(target)} alone.`,
  ],
  not_acknowledged: (name, _event, { sentAt }) => [
    `${name} did not acknowledge it: it was written to its connection${sentAt ? ` at ${sentAt}` : ''}, twice.`,
    'The app may be suspended, or its network gone. It is sent again on its next connection.',
  ],
  superseded: (name, event) => [
    `${name} did not get it, because a newer event${ofKey(event)} superseded it first${newer(event)}.`,
    'It gets the newer one instead.',
  ],
  expired: (name, { expiresAt }) => [`${name} did not get it before it expired at ${plainText(expiresAt)}.`],
  registered_later: (name, { at }) => [
    `${name} was registered after it was stored (${at}).`,
    'A new device is given the state, in which the event still is, but it has not acknowledged this event.',
  ],
  not_told: (name) => [
    `${name} has not got it yet: it is not connected, or the event was sent a moment ago.`,
    'It gets the event when it connects.',
  ],
};

function explainPush({ push }: DeviceStep): string[] {
  if (push === null) return [];
  const { vendor, state, reason, settledAt } = push;
  const when = settledAt === null ? '' : ` since ${settledAt}`;
  return [
    `Its push by ${plainText(vendor)} is ${plainText(state)}${reason === null ? '' : ` (${plainText(reason)})`}${when}.`,
  ];
}

const ofKey = ({ key }: DescribedEvent): string =>
  key === null ? ' of its key' : ` of the key ${plainText(key)}`;

const newer = ({ supersededBy }: DescribedEvent): string => (supersededBy ? `: ${supersededBy}` : '');
