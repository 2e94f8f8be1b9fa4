/** What became of a push notification (docs/CONTRACT.md, "GET /v1/users/{userId}/timeline"). */
interface PushOutcome {
  readonly vendor: string;
  readonly state: string;
  readonly reason: string | null;
  readonly queuedAt: string;
  readonly settledAt: string | null;
}

/** What became of an event on one device. */
export interface Delivery {
  readonly deviceId: string;
  readonly state: 'none' | 'sent' | 'received' | 'applied' | 'seen';
  readonly why?: string;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  readonly push: PushOutcome | null;
}

/** The response of GET /v1/users/{userId}/events/{eventId}. */
export interface EventReport {
  readonly at: string;
  readonly type: string;
  readonly tier: string | null;
  readonly offset: number;
  readonly devices: readonly Delivery[];
}

/** Whether nothing more will become of it while the device stays as it is. */
export function isSettled({ state, why, push }: Delivery): boolean {
  if (state === 'applied' || state === 'seen') return true;
  return why === 'superseded' || why === 'registered_later' || (push !== null && push.settledAt !== null);
}

/** Says how far an event got on a device: `applied after 12 ms`, `not connected · push by fcm delivered after 0.3 s`. */
export function describeDelivery({ at }: EventReport, delivery: Delivery): string {
  const { state, why, receivedAt, appliedAt, seenAt } = delivery;
  const reachedAt = { none: null, sent: null, received: receivedAt, applied: appliedAt, seen: seenAt }[state];
  const own = reachedAt === null ? (WHY_NOT[why ?? ''] ?? state) : `${state} after ${span(at, reachedAt)}`;
  const push = describePush(delivery);
  return push === undefined ? own : `${own} · ${push}`;
}

/** Says what became of the push: `push delivered after 0.3 s`. Undefined if none was queued. */
export function describePush({ push }: Delivery): string | undefined {
  if (push === null) return undefined;
  const { state, reason, queuedAt, settledAt } = push;
  const took = settledAt !== null && state === 'delivered' ? ` after ${span(queuedAt, settledAt)}` : '';
  const because = reason === null ? '' : ` (${reason.replaceAll('_', ' ')})`;
  return `push ${state}${took}${because}`;
}

const WHY_NOT: Readonly<Record<string, string>> = {
  not_told: 'not connected',
  not_acknowledged: 'not acknowledged',
  superseded: 'superseded by a newer event',
  expired: 'expired before it was connected',
  registered_later: 'registered later',
  not_for_this_device: 'not for this device',
};

function span(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
