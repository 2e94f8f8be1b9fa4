import { rankOf } from '../../delivery/receipts/receipt.js';
import { allowsPush, quietHoursFor, withDefaults } from '../../devices/preferences/preferences.js';
import { quietHoursEnd } from '../../devices/preferences/quiet-hours.js';
import type { Push, PushSettlement } from '../queue/push.js';

const RECEIVED = rankOf('received');
const SEEN = rankOf('seen');

/** What the decision needs besides the push. */
export interface DecisionContext {
  readonly now: Date;
  /** Whether the device plays something. */
  readonly playing: boolean;
  /** When a push to a device that plays is decided again. */
  readonly heartbeatMs: number;
}

/**
 * Decides whether a push that is due is still wanted: `send`, or how it is settled instead. All conditions are checked here, at the last
 * moment, so that a receipt or a changed preference need not find and cancel what is queued. Critical pushes are sent whatever the user
 * prefers.
 */
export function decide(push: Push, context: DecisionContext): 'send' | PushSettlement {
  const { now } = context;
  if (!push.target) return withdrawn('no_address');
  if (push.expiresAt <= now) return expired('too_late');
  if (push.action === 'clear') return 'send';
  if (push.superseded) return withdrawn('superseded');
  if (push.rank >= RECEIVED) return withdrawn('received');
  const preferences = withDefaults(push.preferences ?? undefined);
  if (preferences.oneDeviceIsEnough && push.rankElsewhere >= SEEN) return withdrawn('seen_elsewhere');
  if (push.tier === 'critical') return 'send';
  if (push.stale) return withdrawn('stale_device');
  if (!allowsPush(preferences, push.type)) return withdrawn('preference');
  const quietHours = quietHoursFor(preferences, push.type);
  const quietUntil = quietHours && quietHoursEnd(quietHours, now, push.timezone ?? 'UTC');
  if (quietUntil) return postponed(push, quietUntil, now, 'quiet_hours');
  if (context.playing) return postponed(push, new Date(now.getTime() + context.heartbeatMs), now, 'playing');
  return 'send';
}

/** A push that expires before `until` expires at once. */
function postponed({ expiresAt }: Push, until: Date, now: Date, reason: string): PushSettlement {
  if (until >= expiresAt) return expired(reason);
  return { state: 'queued', reason, dueInMs: until.getTime() - now.getTime(), tried: 0 };
}

const withdrawn = (reason: string): PushSettlement => ({ state: 'withdrawn', reason, tried: 0 });
const expired = (reason: string): PushSettlement => ({ state: 'expired', reason, tried: 0 });
