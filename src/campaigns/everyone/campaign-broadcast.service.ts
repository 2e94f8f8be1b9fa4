import { Injectable } from '@nestjs/common';
import {
  type CheckedBroadcast,
  BroadcastPublishingService,
} from '../../broadcasts/broadcast-publishing.service.js';
import { EVENT_TYPES } from '../../mailbox/events/event-types.js';
import { Problem } from '../../platform/http/problem.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { CAMPAIGN_EVENT, type NamedCampaign } from '../campaign.js';
import { CAMPAIGN_MOVES } from '../campaign-moves.js';
import { CampaignChecksService } from '../definitions/campaign-checks.service.js';
import { CampaignFailuresService } from '../failures/campaign-failures.service.js';
import { CampaignProgressStore, type DueCampaign } from '../members/campaign-progress.store.js';

/** What a campaign to everyone says, as one broadcast. */
export type EveryoneMessage = Omit<CheckedBroadcast, 'expiresAt'>;

/** Publishes campaigns to everyone: each is one broadcast. */
@Injectable()
export class CampaignBroadcastService {
  constructor(
    private readonly progress: CampaignProgressStore,
    private readonly checks: CampaignChecksService,
    private readonly failures: CampaignFailuresService,
    private readonly publishing: BroadcastPublishingService,
  ) {}

  /** Returns what the campaign says. Throws Problem unknown_template, and template_data_invalid when the values do not fit or it is too long. */
  async messageOf(campaign: NamedCampaign): Promise<EveryoneMessage> {
    const data = await this.checks.contentForEveryone(campaign);
    const key = EVENT_TYPES[CAMPAIGN_EVENT].key?.({ data, target: undefined }) ?? null;
    return { type: CAMPAIGN_EVENT, key, json: JSON.stringify(data), keyId: `campaign:${campaign.name}` };
  }

  /**
   * Publishes a claimed campaign in the transaction in which it begins: neither is stored without the other. One that has expired, or for which there is
   * no place, goes back to people.
   */
  async publish(tx: Transaction, campaign: DueCampaign): Promise<void> {
    const { name, state } = campaign;
    const expiresAt = new Date(campaign.expiresAt);
    if (expiresAt.getTime() <= Date.now())
      return this.failures.stop(tx, name, 'It expired before it was published.');
    const message = await this.messageOf(campaign);
    if (state === 'scheduled') await this.progress.start(tx, name, CAMPAIGN_MOVES.start.scheduled, []);
    try {
      const { id } = await tx.attempt(() => this.publishing.append(tx, { ...message, expiresAt }));
      await this.progress.markPublished(tx, name, id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await this.failures.stop(tx, name, error.detail);
    }
  }

  /** Returns why the broadcast cannot come into force now; undefined if it can. */
  faultOf(message: EveryoneMessage): Promise<string | undefined> {
    return this.publishing.faultOf(message);
  }
}
