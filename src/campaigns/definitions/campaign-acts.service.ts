import { Inject, Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { periodOf, type StoredCampaign } from '../campaign.js';
import type { CampaignAction } from '../campaign-moves.js';
import { CampaignChecksService } from './campaign-checks.service.js';
import { CampaignStore, type MovedFields } from './campaign.store.js';
import { isSame, movedBy, noCampaign, toShown } from './campaigns.service.js';

/** Does with campaigns what people ask for. */
@Injectable()
export class CampaignActsService {
  constructor(
    private readonly store: CampaignStore,
    private readonly audit: AuditService,
    private readonly checks: CampaignChecksService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Moves the campaign, and tells the audit. Throws Problem not_found, illegal_move, same_person when its author approves it and another person must,
   * and invalid_request or unknown_template for one that cannot be scheduled.
   */
  async act(act: CampaignAction, name: string, by: AuditContext) {
    const found = await this.store.get(name);
    if (!found) throw noCampaign();
    if (act === 'schedule') await this.checks.templateOf(found.body);
    return this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, name);
      if (!before) throw noCampaign();
      const state = movedBy(act, before.state);
      const after = await this.store.move(tx, name, state, this.fieldsOf(act, before, by));
      return { outcome: toShown(after), acts: [auditedAct(act, before, after)] };
    });
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
