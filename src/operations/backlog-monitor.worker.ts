import { Inject, Injectable } from '@nestjs/common';
import { MESSAGE_CHANNELS } from '../messages/message.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { pushProviders } from '../push/providers/registry.js';
import { type OldestWaiting, OverviewStore } from './overview.store.js';

/** A critical handoff is overdue after five seconds. */
const EVERY_MS = 5_000;
const VENDORS = pushProviders.map(({ name }) => name);
const TIERS = ['critical', 'important'] as const;

/** Reports what has waited longest in each queue that is a table. Every worker node does, and reports the same. */
@Injectable()
export class BacklogMonitorWorker extends PeriodicWorker {
  private oldest: OldestWaiting | undefined;

  constructor(
    private readonly store: OverviewStore,
    metrics: MetricsService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'operations', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    metrics.gaugesBy(
      'handoffs_oldest_seconds',
      'Workers only. Since the oldest commit that no node has delivered yet; 0: there is none.',
      'max',
      ['tier'],
      () => this.series(({ handoffs }) => TIERS.map((tier) => [[tier], handoffs[tier] ?? 0])),
    );
    metrics.gaugesBy(
      'push_oldest_seconds',
      'Workers only. For how long the longest due push of each provider is due; 0: none is.',
      'max',
      ['vendor', 'tier'],
      () => this.series(pushAges),
    );
    metrics.gaugesBy(
      'message_oldest_seconds',
      'Workers only. For how long the longest due text or mail is due; 0: none is.',
      'max',
      ['channel', 'tier'],
      () => this.series(messageAges),
    );
    metrics.gaugesBy(
      'digests_oldest_seconds',
      'Workers only. For how long the longest due digest of a user is due, after their own turn in `DIGEST_WINDOW_MINUTES`; 0: none is.',
      'max',
      [],
      () => this.series(({ digest }) => [[[], digest ?? 0]]),
    );
    metrics.gaugesBy(
      'campaigns_idle_seconds',
      'Workers only. For how long the campaign has stood still that has done so longest, although its time has come, its members are not all found, or members are due; 0: none does.',
      'max',
      [],
      () => this.series(({ campaignIdle }) => [[[], campaignIdle ?? 0]]),
    );
    metrics.gaugesBy(
      'campaigns_stopped',
      'Workers only. Campaigns that are paused because they could not go on: `problem` of each says why.',
      'max',
      [],
      () => this.series(({ stoppedCampaigns }) => [[[], stoppedCampaigns]]),
    );
    metrics.gaugesBy(
      'webhooks_waiting',
      'Workers only. Webhooks that wait for a plan or a link; the count stops at 1,000.',
      'max',
      [],
      () => this.series(({ waiting }) => [[[], waiting.count]]),
    );
    metrics.gaugesBy(
      'webhooks_waiting_oldest_seconds',
      'Workers only. Since the oldest webhook came that waits for a plan or a link; 0: there is none.',
      'max',
      [],
      () => this.series(({ waiting }) => [[[], waiting.seconds ?? 0]]),
    );
    metrics.gaugesBy(
      'edge_notices_oldest_seconds',
      'Workers only. Since the oldest notice came that its edge node has not acknowledged; 0: there is none. Those of an edge node that never comes back are removed after 26 hours.',
      'max',
      [],
      () => this.series(({ edgeNotice }) => [[[], edgeNotice ?? 0]]),
    );
  }

  protected async runOnce(): Promise<void> {
    this.oldest = await this.store.readOldest(VENDORS);
  }

  /** What could not be read is not reported: old numbers would say that all is well. */
  protected override onError(error: unknown): void {
    this.oldest = undefined;
    super.onError(error);
  }

  private series(read: (oldest: OldestWaiting) => (readonly [string[], number])[]) {
    return this.oldest ? read(this.oldest) : [];
  }
}

const pushAges = ({ pushes }: OldestWaiting) =>
  VENDORS.flatMap((vendor) =>
    TIERS.map((tier): [string[], number] => [
      [vendor, tier],
      pushes.find((push) => push.vendor === vendor && push.tier === tier)?.seconds ?? 0,
    ]),
  );

const messageAges = ({ messages }: OldestWaiting) =>
  MESSAGE_CHANNELS.flatMap((channel) =>
    TIERS.map((tier): [string[], number] => [
      [channel, tier],
      messages.find((message) => message.channel === channel && message.tier === tier)?.seconds ?? 0,
    ]),
  );
