import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import type { BatchResult, ClaimedBatch } from '../../platform/sending/lane.worker.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { ClaimedMessage, MessageChannel, MessageSettlement, SettledMessage } from '../message.js';
import { MessageStore } from '../queue/message.store.js';
import { MessageSenderService } from './message-sender.service.js';

/** Messages in one claim. Each is settled as its result comes: one that is settled late could be sent twice. */
const MAX_CLAIM = 50;

/** Claims, sends and settles texts and mails. */
@Injectable()
export class MessageBatchesService {
  private readonly settled: Counter<'channel' | 'tier' | 'state' | 'reason'>;

  constructor(
    private readonly store: MessageStore,
    private readonly sender: MessageSenderService,
    metrics: MetricsService,
  ) {
    this.settled = metrics.counter(
      'message_total',
      'What became of texts and mails. `queued`: they go later, or by another channel.',
      ['channel', 'tier', 'state', 'reason'],
    );
  }

  /** Claims at most `limit` messages. Throws when PostgreSQL is down. */
  async claim(channel: MessageChannel, tier: DurableTier, limit: number): Promise<ClaimedBatch> {
    const wanted = Math.min(limit, MAX_CLAIM);
    const messages = await this.store.claim(channel, tier, wanted);
    return {
      size: messages.length,
      hasMore: messages.length === wanted,
      waitMs: 0,
      send: (onSettled) => this.sendAll(tier, messages, onSettled),
    };
  }

  private async sendAll(
    tier: DurableTier,
    messages: readonly ClaimedMessage[],
    onSettled: (count: number) => void,
  ): Promise<BatchResult> {
    const all = await Promise.allSettled(
      messages.map(async (message) => {
        const settlement = await this.sender.send(message);
        await this.settle(tier, [message, settlement]);
        onSettled(1);
        return settlement;
      }),
    );
    const outage = all.find((one) => one.status === 'rejected');
    if (outage) throw outage.reason;
    const settled = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return {
      sent: settled.filter((one) => !wasHeldBack(one)).length,
      failed: settled.filter((one) => isRetried(one) && !wasHeldBack(one)).length,
    };
  }

  private async settle(tier: DurableTier, one: SettledMessage): Promise<void> {
    await this.store.settle(tier, [one]);
    const [{ channel }, { state, reason = '' }] = one;
    this.settled.inc({ channel, tier, state, reason });
  }
}

const HELD_BACK = new Set(['sender_budget', 'server_budget', 'prefix_cap', 'busy']);

/** By our own limits: that says nothing of the provider. */
const wasHeldBack = ({ reason }: MessageSettlement): boolean => reason !== undefined && HELD_BACK.has(reason);
const isRetried = ({ state, channel }: MessageSettlement): boolean =>
  state === 'queued' && channel === undefined;
