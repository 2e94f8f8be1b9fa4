import { Injectable } from '@nestjs/common';
import { campaignIdleSeconds, stoppedCampaigns } from '../campaigns/campaign.fragments.js';
import { oldestDigest } from '../digests/digest.fragments.js';
import { oldestHandoffs } from '../mailbox/mailbox.fragments.js';
import {
  failingWebhooks,
  usualWebhookSilence,
  waitingWebhooks,
  webhookSilence,
} from '../membership/membership.fragments.js';
import { oldestMessages } from '../messages/queue/message.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DurableTier } from '../platform/tiers.js';
import { oldestPushes, pauses } from '../push/queue/push.fragments.js';
import { oldestEdgeNotice } from '../streams/stream.fragments.js';

const READ = statement('overview.sql', import.meta.url, {
  oldestHandoffs: oldestHandoffs(`'delivery'`),
  oldestPushes: oldestPushes('$2::text[]'),
  pauses,
  webhookSilence: webhookSilence('$1::text[]'),
  usualWebhookSilence: usualWebhookSilence('$1::text[]'),
  failingWebhooks: failingWebhooks('$1::text[]'),
  waitingWebhooks,
});

const READ_OLDEST = statement('oldest-waiting.sql', import.meta.url, {
  oldestHandoffs: oldestHandoffs(`'delivery'`),
  oldestPushes: oldestPushes('$1::text[]'),
  waitingWebhooks,
  oldestEdgeNotice,
  oldestMessages,
  oldestDigest,
});
/** A statement of its own: it takes as long to plan as all the queues together, and a plan is made anew whenever one of its tables was analyzed. */
const READ_CAMPAIGNS = named(
  'campaigns-waiting',
  `SELECT ${campaignIdleSeconds} AS "campaignIdle", ${stoppedCampaigns} AS "stoppedCampaigns"`,
);

/** What is waiting in the tables; ages in seconds. */
export interface Backlog {
  readonly handoffs: Readonly<Record<DurableTier, number | null>>;
  readonly pushes: readonly {
    readonly vendor: string;
    readonly tier: DurableTier;
    readonly seconds: number;
  }[];
  readonly pauses: readonly { readonly vendor: string; readonly critical: boolean; readonly since: string }[];
  readonly processors: readonly {
    readonly processor: string;
    readonly silentSeconds: number;
    readonly usualSeconds: number;
    readonly failingSeconds: number | null;
  }[];
  readonly waiting: { readonly count: number; readonly seconds: number | null };
}

/** What has waited longest in each queue that is a table; in seconds. */
export interface OldestWaiting extends WaitingCampaigns, Pick<Backlog, 'handoffs' | 'pushes' | 'waiting'> {
  readonly edgeNotice: number | null;
  readonly messages: readonly {
    readonly channel: string;
    readonly tier: DurableTier;
    readonly seconds: number;
  }[];
  readonly digest: number | null;
}

/** Campaigns that do not go on. */
export interface WaitingCampaigns {
  /** For how many seconds the one that stands still longest does so; null when no campaign has anything to do. */
  readonly campaignIdle: number | null;
  /** How many campaigns wait for people. */
  readonly stoppedCampaigns: number;
}

/** Reads for the overview from the tables of many folders, through their fragments; writes nothing. */
@Injectable()
export class OverviewStore {
  constructor(private readonly database: Database) {}

  async readBacklog(processors: readonly string[], pushProviders: readonly string[]): Promise<Backlog> {
    const [row] = await this.database.run<Backlog>('routine', READ, [processors, pushProviders]);
    if (!row) throw new Error('the query returns one row');
    return row;
  }

  async readOldest(pushProviders: readonly string[]): Promise<OldestWaiting> {
    type Queues = Omit<OldestWaiting, keyof WaitingCampaigns>;
    const [queues] = await this.database.run<Queues>('routine', READ_OLDEST, [pushProviders]);
    const [campaigns] = await this.database.run<WaitingCampaigns>('routine', READ_CAMPAIGNS, []);
    if (!queues || !campaigns) throw new Error('each query returns one row');
    return { ...queues, ...campaigns };
  }
}
