import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { forAnyValue, named, statement } from '../platform/postgres/statement.js';
import { hasDevice } from '../devices/device.fragments.js';
import { holdsSlot } from './stream.fragments.js';
import { membershipSql, membershipVersion } from '../membership/membership.fragments.js';
import type { MembershipRow } from '../membership/membership-view.js';
import { type Entitlement, toEntitlement } from '../entitlements/entitlement.js';
import type { NewStream, RunningStream, StopReason, StreamState } from './stream.js';

const START = statement('start-stream.sql', import.meta.url);
const RENEW = statement('leases/renew-slots.sql', import.meta.url);
const STOP = statement('stop-streams.sql', import.meta.url, { membershipVersion: membershipVersion('$1') });
/** Locks in the order of the ids, as renew-slots.sql does: one that began before a slot ran out may want the same rows. */
const LAPSE = named(
  'streams-lapse',
  `WITH due AS MATERIALIZED (
     SELECT stream_id FROM stream
     WHERE user_id = $1 AND ended_at IS NULL AND NOT lapsed AND slot_until <= now()
     ORDER BY stream_id FOR NO KEY UPDATE
   )
   UPDATE stream s SET lapsed = true FROM due d WHERE s.stream_id = d.stream_id`,
);
const READ = named(
  'streams-read',
  `SELECT s.stream_id AS "streamId", s.user_id AS "userId", s.device_id AS "deviceId", s.end_reason AS "endReason",
     s.lapsed OR s.slot_until <= now() AS lapsed,
     NOT s.device_registered OR ${hasDevice({ userId: 's.user_id', deviceId: 's.device_id' })} AS "hasDevice",
     o.others, o.older, (${membershipSql('s.user_id')}) AS membership, iso(now()) AS now,
     extract(epoch FROM s.slot_until - now())::float8 AS "slotSeconds"
   FROM stream s
   CROSS JOIN LATERAL (
     SELECT count(*)::int AS others,
       count(*) FILTER (WHERE (x.slot_since, x.stream_id) < (s.slot_since, s.stream_id))::int AS older
     FROM stream x
     WHERE x.user_id = s.user_id AND x.stream_id <> s.stream_id AND ${holdsSlot('x')}
   ) o
   WHERE s.stream_id = ANY (${forAnyValue('$1', 'text[]')})`,
);
const RUNNING = named(
  'streams-running',
  `SELECT stream_id AS "streamId", device_id AS "deviceId", title_id AS "titleId", edge_id AS "edgeId",
     iso(started_at) AS "startedAt"
   FROM stream s WHERE user_id = $1 AND ${holdsSlot('s')} ORDER BY slot_since, stream_id`,
);
const DESCRIBE_RUNNING = named(
  'streams-describe',
  `SELECT stream_id AS "streamId", device_id AS "deviceId", title_id AS "titleId", edge_id AS "edgeId", iso(started_at) AS "startedAt",
     iso(slot_since) AS "slotSince", iso(slot_until) AS "slotUntil"
   FROM stream s WHERE user_id = $1 AND ${holdsSlot('s')} ORDER BY slot_since, stream_id`,
);
const READ_ENTITLEMENT = named(
  'streams-may',
  `SELECT iso(now()) AS now, (${membershipSql('$1::text')}) AS membership,
     ${hasDevice({ userId: '$1', deviceId: '$2' })} AS "deviceRegistered"`,
);
const RETAKE = named(
  'stream-retake',
  `UPDATE stream SET lapsed = false, slot_since = now(), slot_until = now() + $2 * interval '1 second'
   WHERE stream_id = $1 AND ended_at IS NULL`,
);
const END = named(
  'stream-end',
  `UPDATE stream SET ended_at = now(), end_reason = 'ended' WHERE stream_id = $1 AND ended_at IS NULL`,
);

/** A stream, what its user may do now, and when the membership is known to end (ISO 8601). */
export interface StreamWithEntitlement {
  readonly stream: StreamState;
  readonly entitlement: Entitlement;
  readonly endsAt: string | undefined;
  /** How long the stream held its slot yet when it was read; less than 0 when the slot ran out. */
  readonly slotSeconds: number;
}

/** A stream that had not ended when streams of its user were to be stopped; `stopped`: it was one of those. */
export interface AffectedStream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly edgeId: string;
  readonly stopped: boolean;
  /** The version of the user's membership. */
  readonly version: number;
}

/** Which of a user's streams to stop, and why. */
export interface StopSelection {
  readonly userId: string;
  readonly reason: StopReason;
  /** How many of the oldest streams stay; with 0 those without a slot are stopped too. */
  readonly keep: number;
  /** Only streams of this device; of all devices when left out. */
  readonly deviceId?: string | undefined;
}

/** Streams and the slots they hold. Methods that give out or take away slots need a transaction that holds the user's lock. */
@Injectable()
export class StreamStore {
  constructor(private readonly database: Database) {}

  /** Those of the streams that exist, in no order. */
  async read(streamIds: readonly string[], tx?: Transaction): Promise<StreamWithEntitlement[]> {
    type Row = StreamState & { membership: MembershipRow; now: string; slotSeconds: number };
    const rows = tx
      ? await tx.run<Row>(READ, [streamIds])
      : await this.database.run<Row>('renewals', READ, [streamIds]);
    return rows.map(({ membership, now, slotSeconds, ...stream }) => ({
      stream,
      slotSeconds,
      entitlement: toEntitlement(stream.userId, membership, now),
      endsAt: membership?.endsAt ?? undefined,
    }));
  }

  /** Renews the slots that are still held, for `seconds` from now. Returns the ids of their streams. */
  async renew(streamIds: readonly string[], seconds: number): Promise<Set<string>> {
    type Row = { streamId: string };
    const rows = await this.database.run<Row>('renewals', RENEW, [streamIds, seconds]);
    return new Set(rows.map(({ streamId }) => streamId));
  }

  /** Under the user's lock: frees the slots that ran out, so that no renewal in flight can keep one. */
  async lapse(tx: Transaction, userId: string): Promise<void> {
    await tx.run(LAPSE, [userId]);
  }

  /** The user's streams that hold a slot, the oldest first. Complete only under the user's lock, with a `tx`. */
  running(userId: string, tx?: Transaction): Promise<RunningStream[]> {
    return tx ? tx.run(RUNNING, [userId]) : this.database.run('critical', RUNNING, [userId]);
  }

  /** The same with their slots, for people who look; it waits for nobody. */
  describeRunning(userId: string): Promise<(RunningStream & { slotSince: string; slotUntil: string })[]> {
    return this.database.run('important', DESCRIBE_RUNNING, [userId]);
  }

  /** What the user may do now, and whether the user has registered the device. */
  async readEntitlement(tx: Transaction, { userId, deviceId }: NewStream) {
    type Row = { now: string; membership: MembershipRow; deviceRegistered: boolean };
    const [row] = await tx.run<Row>(READ_ENTITLEMENT, [userId, deviceId]);
    if (!row) throw new Error('the query returns one row');
    const { now, membership, deviceRegistered } = row;
    return {
      entitlement: toEntitlement(userId, membership, now),
      endsAt: membership?.endsAt ?? undefined,
      deviceRegistered,
    };
  }

  /** Under the user's lock, after a slot was found to be free: `seconds` from now. */
  async start(
    tx: Transaction,
    stream: NewStream & { streamId: string; deviceRegistered: boolean; seconds: number },
  ): Promise<void> {
    const { streamId, userId, deviceId, titleId, edgeId, deviceRegistered, seconds } = stream;
    await tx.run(START, [streamId, userId, deviceId, titleId, edgeId, deviceRegistered, seconds]);
  }

  /** Under the user's lock, after a slot was found to be free: gives the stream a slot again, for `seconds` from now. */
  async retake(tx: Transaction, streamId: string, seconds: number): Promise<void> {
    await tx.run(RETAKE, [streamId, seconds]);
  }

  /** Under the user's lock. Returns all streams of the user (or of the device) that had not ended before, stopped or not. */
  stop(tx: Transaction, { userId, reason, keep, deviceId }: StopSelection): Promise<AffectedStream[]> {
    return tx.run(STOP, [userId, reason, keep, deviceId ?? null]);
  }

  /** Ends a stream because its edge node reported the end. Ending it again changes nothing. */
  async end(streamId: string): Promise<void> {
    await this.database.run('critical', END, [streamId]);
  }
}
