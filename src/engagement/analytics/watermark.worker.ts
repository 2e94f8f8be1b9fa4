import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Topic } from '../../platform/events/topic.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { RollupStore, type RollupWatermark } from '../rollups/rollup.store.js';

const EVERY_MS = 1_000;

/** The roll-ups have counted more: by an event, or by the clock. */
export const rollupsAdvanced = new Topic<RollupWatermark>('engagement.rollups_advanced');

/** Knows how far the roll-ups are, on each node that is asked about them: looked up once a second, however many ask. */
@Injectable()
export class WatermarkWorker extends PeriodicWorker {
  private known: RollupWatermark | undefined;

  constructor(
    private readonly store: RollupStore,
    private readonly bus: EventBusService,
    @Inject(CONFIG) config: Config,
  ) {
    const runs = config.ROLES.includes('api');
    super({ log: 'engagement', everyMs: EVERY_MS, runs, firstRun: 'at-boot' });
  }

  /** Returns how far they were a second ago at most. */
  async current(): Promise<RollupWatermark> {
    return this.known ?? this.look();
  }

  /** One look. */
  async runOnce(): Promise<void> {
    const before = this.known;
    const now = await this.look();
    if (before?.seq !== now.seq || before.at !== now.at) this.bus.publish(rollupsAdvanced, now);
  }

  private async look(): Promise<RollupWatermark> {
    this.known = await this.store.readWatermark();
    return this.known;
  }
}
