import { Injectable } from '@nestjs/common';
import { STALE_AFTER_DAYS } from '../../devices/device.js';
import { Database } from '../../platform/postgres/database.js';
import type { DurableTier } from '../../platform/tiers.js';
import { statement } from '../../platform/postgres/statement.js';
import type { Push, PushSettlement, ProviderName } from './push.js';

const CLAIM = statement('claim-pushes.sql', import.meta.url);
const SETTLE = statement('settle-pushes.sql', import.meta.url);
const GONE = statement('../../devices/forget-addresses.sql', import.meta.url);
const BACKLOG = statement('count-backlog.sql', import.meta.url);
const FORGET = statement('delete-settled.sql', import.meta.url);
/** A worker that died gave no outcome; longer than any vendor is waited for. */
const LEASE_MS = 60_000;
/** Counting more would cost more than the number is worth. */
const COUNT_AT_MOST = 1_000_000;

/** A push, and what became of it. */
export type SettledPush = readonly [push: Push, settlement: PushSettlement];

export interface DeadAddress {
  readonly deviceId: string;
  readonly address: string;
  readonly since: Date | undefined;
}

export interface PushBacklog {
  readonly vendor: ProviderName;
  readonly tier: DurableTier;
  readonly waiting: number;
}

/** The queue of pushes. What it holds of a lane is taken on the lane's own connections. */
@Injectable()
export class PushStore {
  constructor(private readonly database: Database) {}

  claim(vendor: ProviderName, tier: DurableTier, atMost: number): Promise<Push[]> {
    return this.database.run<Push>(tier, CLAIM, [vendor, tier, atMost, LEASE_MS, STALE_AFTER_DAYS]);
  }

  async settle(tier: DurableTier, settled: readonly SettledPush[]): Promise<void> {
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
  backlog(): Promise<PushBacklog[]> {
    return this.database.run('routine', BACKLOG, [COUNT_AT_MOST]);
  }

  /** How many were removed. */
  async deleteSettled(days: number, atMost: number): Promise<number> {
    return (await this.database.run('routine', FORGET, [days, atMost])).length;
  }
}
