import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { BroadcastsService } from '../../broadcasts/broadcasts.service.js';
import type { AuditContext, AuditedFields } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { Problem } from '../../platform/http/problem.js';
import type { CampaignDefinition, StoredCampaign } from '../campaign.js';
import { type CampaignAct, type CampaignState, stateAfter } from '../campaign-moves.js';
import { CAMPAIGN_OUTCOMES, type CampaignOutcomes } from '../campaign-outcomes.js';
import { CampaignCountsStore } from './campaign-counts.store.js';
import type { CampaignsQuery } from './campaign.schema.js';
import { CampaignStore } from './campaign.store.js';
import { funnelOf } from './funnel.js';

/** Workers look at those that run every second. */
const MAX_OPEN = 500;

/** Writes campaigns for the back office, and says how far they are. */
@Injectable()
export class CampaignsService {
  constructor(
    private readonly store: CampaignStore,
    private readonly counts: CampaignCountsStore,
    private readonly audit: AuditService,
    private readonly broadcasts: BroadcastsService,
    @Inject(CAMPAIGN_OUTCOMES) private readonly outcomes: readonly CampaignOutcomes[],
  ) {}

  /** Returns a page of them, the newest first. */
  async list({ before, limit }: CampaignsQuery) {
    const rows = await this.store.list(before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ createdAt, name }) => [createdAt, name]);
    const campaigns = page.map((campaign) => {
      const { body: _, ...fields } = campaign;
      return fields;
    });
    return { campaigns, ...next };
  }

  /** Throws Problem not_found. */
  async find(name: string): Promise<StoredCampaign> {
    const found = await this.store.get(name);
    if (!found) throw noCampaign();
    return found;
  }

  /** Returns the campaign, how many members became what, and what became of its messages or its broadcast. Throws Problem not_found. */
  async describe(name: string) {
    const campaign = await this.find(name);
    const { broadcastId } = campaign;
    const [tally, broadcast, ...outcomes] = await Promise.all([
      this.counts.read(name),
      broadcastId === null ? undefined : this.broadcasts.find(broadcastId),
      ...this.outcomes.map((one) => one.outcomesOfCampaign(name)),
    ]);
    return {
      ...toShown(campaign),
      counts: funnelOf(tally),
      broadcast: broadcast ?? null,
      outcomes: outcomes.flat().filter(({ count }) => count > 0),
    };
  }

  /** Creates or replaces a campaign, which is a draft then. Throws Problem illegal_move, or conflict when too many have not ended. */
  put(name: string, body: CampaignDefinition, by: AuditContext) {
    return this.audit.transaction('important', by, async (tx) => {
      const open = await this.store.lockAll(tx);
      const before = await this.store.lock(tx, name);
      const act = { action: 'campaign.put', target: { kind: 'campaign', id: name } } as const;
      const after = body as unknown as AuditedFields;
      if (
        before?.state === 'draft' &&
        isDeepStrictEqual(before.body, body) &&
        isSame(before.author, by.actor)
      )
        return { outcome: toShown(before), acts: [{ ...act, before: after, after, result: 'unchanged' }] };
      if (!before && open >= MAX_OPEN)
        throw new Problem('conflict', `There may be ${MAX_OPEN} campaigns that have not ended.`);
      const state = before ? movedBy('put', before.state) : 'draft';
      const stored = await this.store.put(tx, name, { body, state, author: by.actor });
      const replaced = before && (before.body as unknown as AuditedFields);
      return { outcome: toShown(stored), acts: [{ ...act, before: replaced, after, result: 'done' }] };
    });
  }
}

/** That there is no such campaign. */
export const noCampaign = () => new Problem('not_found', 'There is no such campaign.');

/** Returns the state after the act. Throws Problem illegal_move. */
export function movedBy(act: CampaignAct, state: CampaignState): CampaignState {
  const next = stateAfter(act, state);
  if (next) return next;
  throw new Problem('illegal_move', `A campaign that is ${state} does not allow this (${act}).`, { state });
}

/** Whether two entries name the same key or person. */
export const isSame = (
  one: { readonly kind: string; readonly id: string },
  other: { readonly kind: string; readonly id: string },
): boolean => one.kind === other.kind && one.id === other.id;

/** Returns the campaign as callers get it. */
export const toShown = ({ body, ...fields }: StoredCampaign) => ({ ...fields, campaign: body });
