import type { Delivery, EventStep, PushOutcome } from '../api/types.js';
import { span, timeOfDay } from '../format.js';

/** Milliseconds between two moments. */
const between = (from: string, to: string): number => Date.parse(to) - Date.parse(from);

/** Of some superseded events only receipts are left: their time is that of the first receipt. */
const isPublishingKnown = ({ tier }: EventStep): boolean => tier !== null;

/**
 * Says in a sentence how far an event got on a device, and why no further. `why` has the reasons of the timeline
 * (docs/CONTRACT.md, "GET /v1/users/{userId}/timeline").
 */
export function explain(event: EventStep, delivery: Delivery): string {
  const { state, appliedAt, receivedAt, seenAt } = delivery;
  const after = (at: string | null) =>
    at === null || !isPublishingKnown(event) ? '' : ` after ${span(between(event.at, at))}`;
  if (state === 'seen')
    return `Somebody saw it${after(seenAt)}; the app applied it${after(appliedAt ?? receivedAt)}.`;
  if (state === 'applied') return `The app applied it${after(appliedAt)}.`;
  if (state === 'received')
    return `It arrived${after(receivedAt)}. The app has not confirmed that it applied it.`;
  return whyNot(event, delivery);
}

function whyNot({ target, expiresAt }: EventStep, { why, sentAt }: Delivery): string {
  switch (why) {
    case 'not_for_this_device':
      return `It is for ${target ?? 'another device'} alone.`;
    case 'not_acknowledged': {
      const sent = `It was sent${sentAt === null ? '' : ` at ${timeOfDay(sentAt)}`}`;
      return expiresAt !== null && Date.parse(expiresAt) < Date.now()
        ? `${sent}, but the device did not acknowledge it before it expired at ${timeOfDay(expiresAt)}.`
        : `${sent}, but the device has not acknowledged it. It gets it again when it reconnects.`;
    }
    case 'superseded':
      return 'A newer event took its place before this device got it. The device gets the newer one.';
    case 'expired':
      return `It expired${expiresAt === null ? '' : ` at ${timeOfDay(expiresAt)}`}, before the device was connected.`;
    case 'registered_later':
      return 'The device was registered after it, and began with the state of then.';
    case 'not_told':
      return 'The device has not been connected since. It gets it when it connects. (Or it was sent a moment ago.)';
    default:
      return why === undefined ? 'Nothing is known of it.' : `Reason: ${why}.`;
  }
}

const PUSH_STATES: Record<string, string> = {
  queued: 'waits to be sent',
  sent: 'was handed to the provider',
  delivered: 'was accepted by the provider',
  cleared: 'was shown, and then removed because the event was seen or replaced',
  withdrawn: 'was not sent',
  expired: 'expired before it was sent',
  gone: 'could not be sent: the provider no longer knows the address',
  failed: 'failed',
};

const PUSH_REASONS: Record<string, string> = {
  no_address: 'the device has no push address any more',
  too_late: 'the event expired',
  superseded: 'a newer event took its place',
  received: 'the device received the event itself',
  seen_elsewhere: 'the user saw it on another device, which is enough for them',
  stale_device: 'the device was not seen for 30 days, and gets only what is critical',
  preference: 'the user does not want pushes of this kind',
  quiet_hours: 'it is in the user’s quiet hours',
  playing: 'the device is playing something',
  device_budget: 'the device was sent as many as it may be sent in this time',
  device_changed: 'the device or its address was removed',
};

/** Says in a sentence what became of the push notification. */
export function explainPush({ vendor, state, reason, queuedAt, settledAt }: PushOutcome): string {
  const took =
    state === 'delivered' && settledAt !== null ? ` after ${span(between(queuedAt, settledAt))}` : '';
  const because = reason === null ? '' : `: ${PUSH_REASONS[reason] ?? reason}`;
  return `A push by ${vendor} ${PUSH_STATES[state] ?? state}${took}${because}.`;
}

/** Milliseconds from publishing to the last receipt that is known; undefined when it is not known. */
export function latencyOf(event: EventStep, { appliedAt, receivedAt }: Delivery): number | undefined {
  const last = appliedAt ?? receivedAt;
  return last === null || !isPublishingKnown(event) ? undefined : between(event.at, last);
}
