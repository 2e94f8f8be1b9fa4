/** How urgent an event is. Critical and important ones are durable and numbered, routine ones are not. */
export type Tier = 'critical' | 'important' | 'routine';

/** What every event travels in. */
export interface Envelope<Data = unknown, Type extends string = string> {
  /** Names this one event everywhere; the same event sent twice has the same id. */
  readonly id: string;
  readonly type: Type;
  readonly tier: Tier;
  /** Of one user's events with the same key only the newest matters. */
  readonly key: string;
  /** The event's number among the user's durable events; routine events have none. */
  readonly offset?: number;
  /** Which numbering `offset` belongs to. */
  readonly epoch?: string;
  /** When it happened, ISO 8601. */
  readonly at: string;
  /** After this it matters to nobody, ISO 8601. */
  readonly expiresAt?: string;
  /** The person within the account that it is about. */
  readonly profileId?: string;
  /** The only device that it is meant for. */
  readonly target?: string;
  readonly data: Data;
}

/** A durable event: one that has a place in the numbering. */
export type Numbered = Envelope & { readonly offset: number };

/** Type guard for anything that came from outside. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads what arrived as an envelope, or says undefined. Only what the client itself leans on is checked:
 * the server validates `data`, and a field that a later server adds must not make an older app deaf.
 */
export function readEnvelope(value: unknown): Envelope | undefined {
  if (!isRecord(value) || typeof value['id'] !== 'string' || typeof value['type'] !== 'string')
    return undefined;
  const { offset, key, type } = value;
  if (offset !== undefined && offset !== null && !isOffset(offset)) return undefined;
  return { ...value, key: typeof key === 'string' ? key : type } as Envelope;
}

export function isNumbered(envelope: Envelope): envelope is Numbered {
  return isOffset(envelope.offset);
}

export function isOffset(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Whether this device should act on the event: it is meant for it, and still matters. */
export function concerns(envelope: Envelope, deviceId: string, nowMs: number): boolean {
  if (typeof envelope.target === 'string' && envelope.target !== deviceId) return false;
  // An unreadable date compares as NaN, which is never in the past: rather show one event too many than lose it.
  return !(typeof envelope.expiresAt === 'string' && Date.parse(envelope.expiresAt) < nowMs);
}
