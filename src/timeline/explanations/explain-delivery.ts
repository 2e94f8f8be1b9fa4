import { at } from './say-instant.js';
import type {
  DeviceDelivery,
  NonDeliveryReason,
  PushOutcome,
  TimelineEvent,
} from '../non-delivery-reason.js';

/** What an explanation is made of. */
export interface Explained {
  readonly event: TimelineEvent;
  readonly device: DeviceDelivery;
  /** Undefined for a device that got the event. */
  readonly why: NonDeliveryReason | undefined;
  /** ISO 8601. */
  readonly now: string;
  /** How long an acknowledgement may take, in milliseconds: until then nothing is wrong. */
  readonly ackMs: number;
}

/**
 * Says in a few sentences how far an event got on a device, why no further, and what to do: for somebody in support who knows nothing of
 * Usher. The console and the command line show it as it is.
 */
export function explain(explained: Explained): string {
  const { why, device } = explained;
  if (why === undefined) return explainReceipt(explained);
  const said = REASONS[why](explained);
  return device.push && !TELLS_PUSH.has(why) ? `${said} ${explainPush(device.push)}` : said;
}

function explainReceipt({ event, device }: Explained): string {
  const { receivedAt, appliedAt, seenAt } = device;
  // Of some superseded events only receipts are left: their time is that of the first receipt.
  const after = (at: string | null) =>
    at === null || event.tier === null ? '' : ` after ${span(Date.parse(at) - Date.parse(event.at))}`;
  if (seenAt !== null)
    return `Somebody saw it${after(seenAt)}; the app applied it${after(appliedAt ?? receivedAt)}.`;
  if (appliedAt !== null) return `The app applied it${after(appliedAt)}.`;
  return `It arrived${after(receivedAt)}. The app has not confirmed that it applied it.`;
}

/** The reasons whose sentence tells of the push already. */
const TELLS_PUSH: ReadonlySet<NonDeliveryReason> = new Set([
  'push_paused', 'preference', 'quiet_hours', 'playing', 'seen_elsewhere', 'stale_device', 'no_address', 'address_gone', 'address_moved',
  'device_budget', 'circuit_open', 'push_failing', 'push_failed', 'push_expired', 'push_waiting', 'pushed',
]); // prettier-ignore

const ON_OPENING = 'The device gets the event when its app is opened.';

/** For each reason what is so, and what happens next or what to do. */
const REASONS: Readonly<Record<NonDeliveryReason, (explained: Explained) => string>> = {
  not_a_device_of_the_user: () =>
    'This is not a device of the user: it was removed, or somebody else is signed in on it, whose events it gets. Check the id of the device and which account is signed in on it.',
  not_for_this_device: ({ event }) =>
    `It is for the device ${event.target ?? 'of another id'} alone; the user’s other devices never show it. Look at that device.`,
  not_acknowledged: ({ device }) =>
    `It was written to the device’s connection${at(device.sentAt)}, but the device has not acknowledged it: the app may be suspended, or its network gone. It is sent again when the device reconnects; ending its connection makes it do so now.`,
  superseded: ({ event }) =>
    `A newer event${event.key === null ? '' : ` of the key ${event.key}`} took its place before the device got it. The device gets the newer one: look at ${event.supersededBy ?? 'that one'}.`,
  expired: ({ event }) =>
    `It expired${at(event.expiresAt)}, before the device was connected, and is not sent any more. If the user still needs it, publish it again.`,
  registered_later: ({ device }) =>
    `The device was registered after it was published${at(device.registeredAt)}, and began with the state of then. Nothing is missing on it.`,
  push_paused: ({ device: { push } }) =>
    `The device is not connected, and pushes by ${vendorOf(push)} are paused${since(push?.pausedAt)}. Its push is sent once somebody resumes them. ${ON_OPENING}`,
  preference: ({ event }) =>
    `The device is not connected, and the user does not want pushes of “${categoryOf(event)}”, so none was sent. ${ON_OPENING} The user can change that in the app’s settings.`,
  quiet_hours: ({ device: { push }, now }) =>
    `The device is not connected, and it is in the user’s quiet hours: ${isSettled(push) ? 'its push would have come too late and was dropped' : `its push waits${until(push, now)}`}. ${ON_OPENING} The user can change the quiet hours in the app’s settings.`,
  playing: ({ device: { push }, now }) =>
    `The device plays something, which a push must not interrupt: ${isSettled(push) ? 'its push was dropped' : `its push waits${until(push, now)}, and then again while it plays`}. Nothing needs to be done.`,
  seen_elsewhere: () =>
    'The user saw it on another device, which is enough by their preferences, so no push was sent. Nothing needs to be done.',
  stale_device: ({ device }) =>
    `The device was not seen for a month (last${at(device.lastSeenAt)}), so only critical events are pushed to it. ${ON_OPENING}`,
  no_address: () =>
    `The device is not connected, and had no push address any more when its push was due. ${ON_OPENING} The app registers a new address then.`,
  address_gone: ({ device: { push } }) =>
    `The device is not connected, and ${vendorOf(push)} no longer knows its push address${because(push)}: the app was removed, or notifications were turned off. Ask the user to open the app, or to install it again, which registers a new address.`,
  address_moved: () =>
    'Somebody else signed in on this device, and pushes to it are theirs now, so this user’s push was withdrawn. Ask the user to sign in on the device again.',
  device_budget: ({ device: { push }, now }) =>
    `The device is not connected, and was sent as many pushes as it may be in this time, so this one waits${until(push, now)}. Publish fewer events to it, or fewer that show no text. ${ON_OPENING}`,
  circuit_open: ({ device: { push }, now }) =>
    `The device is not connected, and ${vendorOf(push)} fails, so that it is not called for the moment (its circuit is open). The push is tried again${when(push, now)}. See the provider’s status page; for this user nothing needs to be done.`,
  push_failing: ({ device: { push }, now }) =>
    `The device is not connected, and ${vendorOf(push)} has not taken its push so far${because(push)}. It is tried again${when(push, now)}. If that goes on, see the results of pushes for the reason.`,
  push_failed: ({ device: { push } }) =>
    `The device is not connected, and ${vendorOf(push)} refuses its push${because(push)}; it is not tried again. See the results of pushes for the reason; once that is mended, resend the event.`,
  push_expired: ({ device: { push } }) =>
    `The device is not connected, and its push expired before ${vendorOf(push)} took it${because(push)}. ${ON_OPENING} Resend the event to push it again.`,
  push_waiting: ({ device: { push } }) =>
    `The device is not connected, and its push by ${vendorOf(push)} waits for its turn. If it waits for long, see the forecast of pushes for what is before it.`,
  pushed: ({ device: { push } }) =>
    `The device was asleep. ${vendorOf(push)} took its push${at(push?.settledAt ?? null)}, and the app has not confirmed anything since: the notification may be on the screen. ${ON_OPENING}`,
  not_told: (explained) => (isRecent(explained) ? RECENT : `${asleep(explained)} ${ON_OPENING}`),
};

const RECENT =
  'It was published a moment ago, and the device has not acknowledged it yet. Look again in some seconds.';

const isRecent = ({ event, now, ackMs }: Explained): boolean =>
  Date.parse(now) - Date.parse(event.at) < ackMs;

function asleep({ event, device: { lastSeenAt, pushKind } }: Explained): string {
  const seen = lastSeenAt === null ? '' : ` (last seen${at(lastSeenAt)})`;
  const said = `The device is asleep${seen}, or its app has started since and got the event with its state, which is not acknowledged event by event.`;
  if (!event.isPushedType) return `${said} Events of this type are never pushed.`;
  return pushKind === null
    ? `${said} It has no push address, so it cannot be woken: the app has registered none, or somebody else is signed in on the device now.`
    : `${said} No push has been queued for it yet: see that a node with the role worker runs.`;
}

const PUSH_STATES: Readonly<Record<string, string>> = {
  queued: 'waits to be sent',
  sent: 'is being sent',
  delivered: 'was taken by the provider',
  cleared: 'was shown, and then removed because the event was seen or replaced',
  withdrawn: 'was not sent',
  expired: 'expired before it was sent',
  gone: 'could not be sent: the provider no longer knows the address',
  failed: 'failed',
};

const explainPush = (push: PushOutcome): string =>
  `Its push by ${push.vendor} ${PUSH_STATES[push.state] ?? push.state}${because(push)}.`;

const vendorOf = (push: PushOutcome | null): string => push?.vendor ?? 'the provider';
const because = (push: PushOutcome | null): string => (push?.reason ? ` (${push.reason})` : '');
const isSettled = (push: PushOutcome | null): boolean => push?.settledAt !== null;
const categoryOf = ({ type }: TimelineEvent): string => type.split('.', 1)[0] ?? type;

const since = (iso: string | null | undefined): string => at(iso ?? null).replace(' at ', ' since ');
const when = (push: PushOutcome | null, now: string): string =>
  push && push.dueAt > now ? at(push.dueAt) : ' within seconds';
const until = (push: PushOutcome | null, now: string): string =>
  push && push.dueAt > now ? at(push.dueAt).replace(' at ', ' until ') : '';

/** A span of time in one unit: `3 ms`, `1.2 s`, `4 min`, `2 h`, `3 d`. */
function span(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}
