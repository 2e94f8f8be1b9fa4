import { Injectable } from '@nestjs/common';
import { STALE_AFTER_DAYS } from '../devices/device.js';
import { Database } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { statement } from '../platform/postgres/statement.js';
import type { Push, Settlement, VendorName } from './push.js';

const CLAIM = statement('claim.sql', import.meta.url);
const SETTLE = statement('settle.sql', import.meta.url);
const GONE = statement('gone.sql', import.meta.url);
const BACKLOG = statement('backlog.sql', import.meta.url);
const FORGET = statement('forget.sql', import.meta.url);
/** A worker that died gave no outcome; longer than any vendor is waited for. */
const LEASE_MS = 60_000;
/** Counting more would cost more than the number is worth. */
const COUNT_AT_MOST = 1_000_000;

/** A push, and what became of it. */
export type Settled = readonly [push: Push, settlement: Settlement];

export interface DeadAddress {
  readonly deviceId: string;
  readonly address: string;
  readonly since: Date | undefined;
}

export interface Waiting {
  readonly vendor: VendorName;
  readonly tier: DurableTier;
  readonly waiting: number;
}

/** The queue of pushes. What it holds of a lane is taken on the lane's own connections. */
@Injectable()
export class PushStore {
  constructor(private readonly database: Database) {}

  claim(vendor: VendorName, tier: DurableTier, atMost: number): Promise<Push[]> {
    return this.database.run<Push>(tier, CLAIM, [vendor, tier, atMost, LEASE_MS, STALE_AFTER_DAYS]);
  }

  async settle(tier: DurableTier, settled: readonly Settled[]): Promise<void> {
    const rows = settled.map(([{ userId, deviceId, eventId }, settlement]) => ({
      userId,
      deviceId,
      eventId,
      ...settlement,
    }));
    await this.database.run(tier, SETTLE, [JSON.stringify(rows)]);
  }

  /** Forgets dead addresses; answers the devices that lost theirs. */
  async forgetAddresses(tier: DurableTier, dead: readonly DeadAddress[]): Promise<Set<string>> {
    const rows = await this.database.run<{ deviceId: string }>(tier, GONE, [JSON.stringify(dead)]);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }

  /** What may be sent now and was not yet. */
  backlog(): Promise<Waiting[]> {
    return this.database.run('routine', BACKLOG, [COUNT_AT_MOST]);
  }

  /** How many were removed. */
  async forget(days: number, atMost: number): Promise<number> {
    return (await this.database.run('routine', FORGET, [days, atMost])).length;
  }
}
