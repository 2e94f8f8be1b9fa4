import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import { ownerOf } from '../devices/device.fragments.js';
import { holdsSlot } from './stream.fragments.js';
import { membershipSql, membershipVersion } from '../membership/membership.fragments.js';
import type { MembershipRow } from '../membership/membership-view.js';
import { type Entitlement, toEntitlement } from '../entitlements/entitlement.js';
import type { NewStream, RunningStream, StopReason, StreamNow } from './stream.js';

const START = statement('start-stream.sql', import.meta.url);
const RENEW = statement('leases/renew-slots.sql', import.meta.url);
const STOP = statement('stop-streams.sql', import.meta.url, { membershipVersion: membershipVersion('$1') });
const LAPSE = named(
  'streams-lapse',
  `UPDATE stream SET lapsed = true
   WHERE user_id = $1 AND ended_at IS NULL AND NOT lapsed AND slot_until <= now()`,
);
const READ = named(
  'streams-read',
  `SELECT s.stream_id AS "streamId", s.user_id AS "userId", s.device_id AS "deviceId", s.end_reason AS "endReason",
     s.lapsed OR s.slot_until <= now() AS lapsed,
     coalesce(${ownerOf('s.device_id')} = s.user_id, NOT s.device_registered) AS "hasDevice",
     o.others, o.older, (${membershipSql('s.user_id')}) AS membership, iso(now()) AS now
   FROM stream s
   CROSS JOIN LATERAL (
     SELECT count(*)::int AS others,
       count(*) FILTER (WHERE (x.slot_since, x.stream_id) < (s.slot_since, s.stream_id))::int AS older
     FROM stream x
     WHERE x.user_id = s.user_id AND x.stream_id <> s.stream_id AND ${holdsSlot('x')}
   ) o
   WHERE s.stream_id = ANY ($1)`,
);
const RUNNING = named(
  'streams-running',
  `SELECT stream_id AS "streamId", device_id AS "deviceId", title_id AS "titleId", edge_id AS "edgeId",
     iso(started_at) AS "startedAt"
   FROM stream s WHERE user_id = $1 AND ${holdsSlot('s')} ORDER BY slot_since, stream_id`,
);
const MAY = named(
  'streams-may',
  `SELECT iso(now()) AS now, (${membershipSql('$1::text')}) AS membership,
     ${ownerOf('$2')} AS owner`,
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
/** Streams begun before a day are few; those that ended since are nobody's business any more. */
const FORGET = named(
  'streams-forget',
  `DELETE FROM stream WHERE stream_id IN (
     SELECT stream_id FROM stream
     WHERE started_at < now() - interval '1 day' AND coalesce(ended_at, slot_until) < now() - interval '1 day'
     LIMIT $1)`,
);

/** A stream with what its user may do now. */
export interface StreamAndRights {
  readonly stream: StreamNow;
  readonly entitlement: Entitlement;
  /** When the membership ends by itself. */
  readonly endsAt: string | undefined;
}

/** A stream of the user that was not ended before; `stopped` when it is now. */
export interface AffectedStream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly edgeId: string;
  readonly stopped: boolean;
  /** The membership's. */
  readonly version: number;
}

export interface StopSelection {
  readonly userId: string;
  readonly reason: StopReason;
  /** How many of the oldest stay. */
  readonly keep: number;
  /** Of this device alone. */
  readonly deviceId?: string | undefined;
}

/** Streams and the slots they hold. What says so runs within a transaction that holds the user's lock. */
@Injectable()
export class StreamStore {
  constructor(private readonly database: Database) {}

  /** The streams that there are, in no order. */
  async read(streamIds: readonly string[], tx?: Transaction): Promise<StreamAndRights[]> {
    type Row = StreamNow & { membership: MembershipRow; now: string };
    const rows = tx
      ? await tx.run<Row>(READ, [streamIds])
      : await this.database.run<Row>('critical', READ, [streamIds]);
    return rows.map(({ membership, now, ...stream }) => ({
      stream,
      entitlement: toEntitlement(stream.userId, membership, now),
      endsAt: membership?.endsAt ?? undefined,
    }));
  }

  /** Renews those that still hold their slots; answers which these are. */
  async renew(streamIds: readonly string[], seconds: number): Promise<Set<string>> {
    type Row = { streamId: string };
    const rows = await this.database.run<Row>('critical', RENEW, [streamIds, seconds]);
    return new Set(rows.map(({ streamId }) => streamId));
  }

  /** Holds the user's lock. Slots that ran out are free from here on, whatever renewal is under way. */
  async lapse(tx: Transaction, userId: string): Promise<void> {
    await tx.run(LAPSE, [userId]);
  }

  /** The user's streams that hold a slot, the oldest first. Sure to be all only under the user's lock. */
  running(userId: string, tx?: Transaction): Promise<RunningStream[]> {
    return tx ? tx.run(RUNNING, [userId]) : this.database.run('critical', RUNNING, [userId]);
  }

  /** What the user may do now, and whose device it is; `owner` is null for one that nobody registered. */
  async rights(tx: Transaction, { userId, deviceId }: NewStream) {
    type Row = { now: string; membership: MembershipRow; owner: string | null };
    const [row] = await tx.run<Row>(MAY, [userId, deviceId]);
    if (!row) throw new Error('a row is always there');
    const { now, membership, owner } = row;
    return {
      entitlement: toEntitlement(userId, membership, now),
      endsAt: membership?.endsAt ?? undefined,
      owner,
    };
  }

  /** Holds the user's lock. The slot was found to be free. */
  async start(
    tx: Transaction,
    stream: NewStream & { streamId: string; deviceRegistered: boolean; seconds: number },
  ): Promise<void> {
    const { streamId, userId, deviceId, titleId, edgeId, deviceRegistered, seconds } = stream;
    await tx.run(START, [streamId, userId, deviceId, titleId, edgeId, deviceRegistered, seconds]);
  }

  /** Holds the user's lock. The slot was found to be free. */
  async retake(tx: Transaction, streamId: string, seconds: number): Promise<void> {
    await tx.run(RETAKE, [streamId, seconds]);
  }

  /** Holds the user's lock. Answers all of the user's streams that were not ended before. */
  stop(tx: Transaction, { userId, reason, keep, deviceId }: StopSelection): Promise<AffectedStream[]> {
    return tx.run(STOP, [userId, reason, keep, deviceId ?? null]);
  }

  /** The edge node says that it is over. */
  async end(streamId: string): Promise<void> {
    await this.database.run('critical', END, [streamId]);
  }

  async deleteEnded(limit: number): Promise<void> {
    await this.database.run('routine', FORGET, [limit]);
  }
}
