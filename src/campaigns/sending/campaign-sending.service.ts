import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import { CampaignChecksService } from '../definitions/campaign-checks.service.js';
import { CampaignCountsStore } from '../definitions/campaign-counts.store.js';
import type { TallyEntry } from '../definitions/funnel.js';
import { campaignContent } from './campaign-content.js';
import { CampaignPublisherService, type MemberMessage } from './campaign-publisher.service.js';
import {
  CampaignSendingStore,
  type ClaimedMember,
  type RunningCampaign,
  type SettledMember,
} from './campaign-sending.store.js';
import { decideMember } from './decide-member.js';

type Decided = Extract<SettledMember, { state: 'skipped' }> | MemberMessage;

/** Sends campaigns to their members: claims a slice of them, decides, publishes, and writes what became of each, in one transaction. */
@Injectable()
export class CampaignSendingService {
  constructor(
    private readonly store: CampaignSendingStore,
    private readonly publisher: CampaignPublisherService,
    private readonly counts: CampaignCountsStore,
    private readonly checks: CampaignChecksService,
    private readonly database: Database,
  ) {}

  /**
   * Publishes to at most `limit` members. Returns what became of each. A crash at any statement, or a failed commit, leaves all as it was. Throws Problem
   * unknown_template when the campaign's is not there any more.
   */
  async sendSlice(campaign: RunningCampaign, limit: number): Promise<readonly SettledMember[]> {
    const template = await this.checks.templateOf(campaign.body);
    return this.database.transaction('routine', async (tx) => {
      await this.store.limitTime(tx);
      const claimed = await this.store.claim(tx, campaign, limit);
      if (claimed.length === 0) return [];
      const decided = claimed.map((member) => decide(campaign, template, member));
      const settled = await this.publish(tx, campaign, decided);
      await this.store.settle(tx, campaign.name, settled);
      await this.counts.add(tx, campaign.name, tallyOf(settled));
      return settled;
    });
  }

  /** Puts off the member whose turn is first. For one who fails alone, and would hold up all others. Returns who that is. */
  postponeFirst(campaign: RunningCampaign): Promise<string | undefined> {
    return this.database.transaction('routine', async (tx) => {
      const [first] = await this.store.claim(tx, campaign, 1);
      if (first) await this.store.postpone(tx, campaign.name, first.userId);
      return first?.userId;
    });
  }

  private async publish(
    tx: Transaction,
    { expiresAt }: RunningCampaign,
    decided: readonly Decided[],
  ): Promise<SettledMember[]> {
    const messages = decided.filter((one) => 'data' in one);
    const ids = messages.length === 0 ? [] : await this.publisher.publish(tx, messages, new Date(expiresAt));
    const skipped = decided.filter((one) => 'reason' in one);
    return [
      ...skipped,
      ...messages.map(({ userId, channel }, n): SettledMember => {
        const eventId = ids[n];
        if (eventId === undefined) throw new Error('each event that is published has an id');
        return { userId, state: 'queued', channel, eventId };
      }),
    ];
  }
}

function decide(campaign: RunningCampaign, template: CompiledTemplate, member: ClaimedMember): Decided {
  const { userId, preferences, recent, locale: _, data: __, ...reach } = member;
  const isExpired = Date.parse(campaign.expiresAt) <= Date.now();
  const decision = decideMember(campaign.body, { reach, preferences, recent }, { isExpired });
  if (decision.is === 'skip') return { userId, state: 'skipped', reason: decision.reason };
  const data = campaignContent(campaign, template, member);
  if ('fault' in data) return { userId, state: 'skipped', reason: 'template_data_invalid' };
  return { userId, channel: decision.channel, messages: decision.messages, data };
}

function tallyOf(settled: readonly SettledMember[]): TallyEntry[] {
  const counts = new Map<string, TallyEntry>();
  for (const one of settled) {
    const detail = one.state === 'queued' ? one.channel : one.reason;
    const before = counts.get(`${one.state} ${detail}`)?.count ?? 0;
    counts.set(`${one.state} ${detail}`, { what: one.state, detail, count: before + 1 });
  }
  return [...counts.values()];
}
