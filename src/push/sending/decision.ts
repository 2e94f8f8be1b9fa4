import { allowsPush, withDefaults, quietHoursFor } from '../../devices/preferences/preferences.js';
import { quietHoursEnd } from '../../devices/preferences/quiet-hours.js';
import { rankOf } from '../../delivery/receipts/receipt.js';
import type { Push, PushSettlement } from '../queue/push.js';

const RECEIVED = rankOf('received');
const SEEN = rankOf('seen');

/** What is known of the moment. */
export interface DecisionContext {
  readonly now: Date;
  /** Whether the device plays something. */
  readonly playing: boolean;
  /** When a device that plays is looked at again. */
  readonly heartbeatMs: number;
}

/**
 * Whether a push is still wanted, now that its turn has come. Everything is asked here, at the last moment, so that nobody has to
 * find and cancel what is queued when a receipt comes or a preference changes. Critical ones pass whatever the user prefers.
 */
export function decide(push: Push, moment: DecisionContext): 'send' | PushSettlement {
  const { now } = moment;
  if (!push.push) return withdrawn('no_address');
  if (push.expiresAt <= now) return expired('too_late');
  if (push.action === 'clear') return 'send';
  if (push.superseded) return withdrawn('superseded');
  if (push.own >= RECEIVED) return withdrawn('received');
  const preferences = withDefaults(push.preferences ?? undefined);
  if (preferences.oneDeviceIsEnough && push.elsewhere >= SEEN) return withdrawn('seen_elsewhere');
  if (push.tier === 'critical') return 'send';
  if (push.stale) return withdrawn('stale_device');
  if (!allowsPush(preferences, push.type)) return withdrawn('preference');
  const quiet = quietHoursFor(preferences, push.type);
  const until = quiet && quietHoursEnd(quiet, now, push.timezone ?? 'UTC');
  if (until) return held(push, until, now, 'quiet_hours');
  if (moment.playing) return held(push, new Date(now.getTime() + moment.heartbeatMs), now, 'playing');
  return 'send';
}

/** Expiry beats holding: what would be told too late is not told at all. */
function held({ expiresAt }: Push, until: Date, now: Date, reason: string): PushSettlement {
  if (until >= expiresAt) return expired(reason);
  return { state: 'queued', reason, dueInMs: until.getTime() - now.getTime(), tried: 0 };
}

const withdrawn = (reason: string): PushSettlement => ({ state: 'withdrawn', reason, tried: 0 });
const expired = (reason: string): PushSettlement => ({ state: 'expired', reason, tried: 0 });
