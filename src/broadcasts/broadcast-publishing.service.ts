import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { encodeData } from '../mailbox/events/encode-data.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { IdempotentCall } from '../platform/http/idempotency/idempotency.js';
import { IdempotencyStore } from '../platform/http/idempotency/idempotency.store.js';
import { Problem } from '../platform/http/problem.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { expiryOf, faultOf, MAX_DAYS } from './broadcast.js';
import { broadcastsChanged } from './broadcast-log.worker.js';
import { BroadcastStore, type NewBroadcast } from './broadcast.store.js';
import type { NewBroadcastBody } from './broadcasts.schema.js';

/** A broadcast that was checked. `sample`: BROADCAST_RECEIPT_SAMPLE when it is left out. */
export type CheckedBroadcast = Omit<NewBroadcast, 'number' | 'id' | 'sample'> &
  Partial<Pick<NewBroadcast, 'sample'>>;

/** Where a broadcast stands. */
export interface PublishedBroadcast {
  readonly id: string;
  readonly number: number;
}

/** Publishes broadcasts: one row each. Nodes are told after the commit; one that is not finds out within a second. */
@Injectable()
export class BroadcastPublishingService {
  constructor(
    private readonly store: BroadcastStore,
    private readonly database: Database,
    private readonly idempotency: IdempotencyStore,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Publishes a broadcast of the service key. Throws Problem reserved_type, reserved_key, payload_too_large or invalid_request, and conflict when too
   * much is in force.
   */
  publish(
    body: NewBroadcastBody,
    keyId: string,
    call: IdempotentCall | undefined,
  ): Promise<PublishedBroadcast> {
    const checked = this.check(body, keyId);
    return this.store.change(() =>
      this.database.transaction('important', async (tx) => {
        const published = await this.append(tx, checked);
        if (call)
          await this.idempotency.settleInTransaction(tx, [
            { id: call.id, status: call.status, sealed: call.seal(published) },
          ]);
        return published;
      }),
    );
  }

  /** Writes a broadcast in somebody's transaction; it is sent after the commit. Throws Problem conflict when too much is in force. */
  async append(tx: Transaction, broadcast: CheckedBroadcast): Promise<PublishedBroadcast> {
    const number = await this.store.takeNumber(tx);
    const fault = await this.faultOf(broadcast, tx);
    if (fault !== undefined) throw new Problem('conflict', fault);
    const id = randomUUID();
    const sample = broadcast.sample ?? this.config.BROADCAST_RECEIPT_SAMPLE;
    await this.store.publish(tx, { ...broadcast, sample, id, number });
    tx.afterCommit(() => this.bus.publish(broadcastsChanged, undefined));
    return { id, number };
  }

  /** Returns why the broadcast cannot come into force now: too much is. Undefined if it can. */
  async faultOf({ key, json }: Pick<CheckedBroadcast, 'key' | 'json'>, tx?: Transaction) {
    return faultOf(await this.store.usageBeside(key, tx), Buffer.byteLength(json));
  }

  private check({ type, key, data, expiresAt, receipts }: NewBroadcastBody, keyId: string): CheckedBroadcast {
    const json = encodeData({ type, key, data, expiresAt });
    const expiry = expiryOf(expiresAt, Date.now());
    if (!expiry) throw new Problem('invalid_request', `expiresAt: must be within ${MAX_DAYS} days.`);
    return {
      type,
      key: key ?? null,
      json,
      ...(receipts === 'all' && { sample: 1 }),
      expiresAt: expiry,
      keyId,
    };
  }
}
