import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { BroadcastsService } from '../../broadcasts/broadcasts.service.js';
import type { AuditContext, AuditedAct } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { periodOf, type StoredCampaign } from '../campaign.js';
import type { CampaignAction } from '../campaign-moves.js';
import { CampaignChecksService } from './campaign-checks.service.js';
import { CampaignStore, type MovedFields } from './campaign.store.js';
import { isSame, movedBy, noCampaign, toShown } from './campaigns.service.js';

const PUBLISHED =
  'A campaign to everyone that is published has nothing to hold up: devices are sent it when they connect. To abort it withdraws it.';
const REWRITTEN = 'The campaign has changed meanwhile: read what it says now.';

/** Does with campaigns what people ask for. */
@Injectable()
export class CampaignActsService {
  constructor(
    private readonly store: CampaignStore,
    private readonly audit: AuditService,
    private readonly checks: CampaignChecksService,
    private readonly broadcasts: BroadcastsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Moves the campaign, and tells the audit. Throws Problem not_found, illegal_move, same_person when its author approves it and another person must,
   * conflict when it is rewritten meanwhile, or has changed since `updatedAt`, and invalid_request, unknown_template or template_data_invalid for one that cannot be sent.
   */
  async act(act: CampaignAction, name: string, by: AuditContext, updatedAt?: string) {
    const found = await this.store.get(name);
    if (!found) throw noCampaign();
    if (updatedAt !== undefined && Date.parse(updatedAt) !== Date.parse(found.updatedAt))
      throw new Problem('conflict', REWRITTEN);
    const isToEveryone = found.body.to === 'everyone';
    if (act === 'schedule' || (act === 'approve' && isToEveryone)) await this.checks.checkWords(found);
    const move = () => this.audit.transaction('important', by, (tx) => this.move(tx, act, found, by));
    return act === 'abort' && isToEveryone ? this.broadcasts.change(move) : move();
  }

  /** `found`: the campaign as it was checked. */
  private async move(tx: Transaction, act: CampaignAction, found: StoredCampaign, by: AuditContext) {
    const { name } = found;
    const before = await this.store.lock(tx, name);
    if (!before) throw noCampaign();
    const { broadcastId } = before;
    const state = movedBy(act, before.state);
    const needsWords = act === 'approve' || act === 'schedule';
    if (needsWords && !isDeepStrictEqual(before.body, found.body)) throw new Problem('conflict', REWRITTEN);
    if (act === 'pause' && broadcastId !== null)
      throw new Problem('illegal_move', PUBLISHED, { state: before.state });
    const after = await this.store.move(tx, name, state, this.fieldsOf(act, before, by));
    const isWithdrawn = act === 'abort' && broadcastId !== null;
    const withdrawal = isWithdrawn ? await this.broadcasts.withdrawWithin(tx, broadcastId) : undefined;
    return {
      outcome: toShown(after),
      acts: [auditedAct(act, before, after), ...(withdrawal ? [withdrawal] : [])],
    };
  }

  private fieldsOf(act: CampaignAction, campaign: StoredCampaign, { actor }: AuditContext): MovedFields {
    if (act === 'approve') {
      if (this.config.CAMPAIGN_APPROVAL === 'another' && isSame(campaign.author, actor))
        throw new Problem('same_person');
      return { approver: actor };
    }
    if (act !== 'schedule') return {};
    const period = periodOf(campaign.body, new Date());
    if ('fault' in period) throw new Problem('invalid_request', period.fault);
    return period;
  }
}

const auditedAct = (act: CampaignAction, before: StoredCampaign, after: StoredCampaign): AuditedAct => ({
  action: `campaign.${act}`,
  target: { kind: 'campaign', id: before.name },
  before: { state: before.state },
  after: { state: after.state },
  result: 'done',
});
