import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { LaneWorker } from '../../platform/sending/lane.worker.js';
import type { DurableTier } from '../../platform/tiers.js';
import { MESSAGE_CHANNELS, type MessageChannel, messagesQueued } from '../message.js';
import { MessageProvidersService } from '../providers/message-providers.service.js';
import { MessageStore } from '../queue/message.store.js';
import { MessageBatchesService } from './message-batches.service.js';

/** For messages that another node queued, or that are due again. Those that this node queues are sent at once. */
const INTERVAL_MS: Record<DurableTier, number> = { critical: 1_000, important: 2_000 };

interface ChannelLane {
  readonly channel: MessageChannel;
  readonly tier: DurableTier;
  readonly worker: LaneWorker;
}

/**
 * Sends texts and mails that are due: a lane for each channel and tier, so that neither a mail server that hangs nor a campaign delays
 * anything else. Any number of processes may do so at once (claim-messages.sql).
 */
@Injectable()
export class MessageDispatchWorker extends PeriodicWorker<DurableTier> implements OnModuleInit {
  private readonly lanes: readonly ChannelLane[];
  private readonly isWorker: boolean;

  constructor(
    batches: MessageBatchesService,
    private readonly store: MessageStore,
    private readonly providers: MessageProvidersService,
    private readonly bus: EventBusService,
    @Inject(CONFIG) config: Config,
  ) {
    const isWorker = config.ROLES.includes('worker');
    super({ log: 'messages', everyMs: INTERVAL_MS, runs: isWorker });
    this.isWorker = isWorker;
    const onError = (error: unknown): void =>
      this.log.warn(`a batch failed, its messages are due again later: ${String(error)}`);
    const laneOf = (channel: MessageChannel, tier: DurableTier): ChannelLane => {
      const claim = (limit: number) => batches.claim(channel, tier, limit);
      return { channel, tier, worker: new LaneWorker({ provider: channel, tier, claim }, onError) };
    };
    this.lanes = MESSAGE_CHANNELS.flatMap((channel) => [
      laneOf(channel, 'critical'),
      laneOf(channel, 'important'),
    ]);
  }

  onModuleInit(): void {
    if (!this.isWorker) return;
    this.bus.subscribe(messagesQueued, (tier) => this.wake(tier, MESSAGE_CHANNELS));
  }

  override async onApplicationBootstrap(): Promise<void> {
    if (this.isWorker) for (const { worker } of this.lanes) worker.start();
    await super.onApplicationBootstrap();
  }

  override async onApplicationShutdown(): Promise<void> {
    this.providers.stopWaiting();
    await super.onApplicationShutdown();
    await Promise.all(this.lanes.map(({ worker }) => worker.stop()));
  }

  protected async runOnce(tier: DurableTier): Promise<void> {
    this.wake(tier, await this.store.listDue(tier, MESSAGE_CHANNELS));
  }

  private wake(tier: DurableTier, channels: readonly MessageChannel[]): void {
    for (const lane of this.lanes)
      if (lane.tier === tier && channels.includes(lane.channel)) lane.worker.wake();
  }
}
