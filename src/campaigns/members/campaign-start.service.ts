import { Injectable } from '@nestjs/common';
import type { AudienceSelection, StoredAudience } from '../../audiences/audience.js';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Database } from '../../platform/postgres/database.js';
import { CAMPAIGN_MOVES } from '../campaign-moves.js';
import { CampaignWalkStore, type DueCampaign } from './campaign-walk.store.js';

/** Has campaigns begin. From then on they keep the rules of their audiences as they are then. */
@Injectable()
export class CampaignStartService {
  constructor(
    private readonly walks: CampaignWalkStore,
    private readonly audiences: AudienceSlicesService,
    private readonly database: Database,
  ) {}

  /**
   * Has a campaign begin whose time has come; one that names an audience which is not there any more goes back to people. Returns whether there may
   * be more.
   */
  startDue(): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      const due = await this.walks.claimDue(tx);
      if (!due) return false;
      const names = [...due.body.audiences, ...due.body.exclusions];
      const found = await this.audiences.find(tx, names);
      const missing = names.find((name) => !found.some((one) => one.name === name));
      // Without an audience that is to be left out, people would be written to who must not be.
      if (missing === undefined)
        await this.walks.start(tx, due.name, CAMPAIGN_MOVES.start.scheduled, selectionsOf(due, found));
      else await this.walks.refuse(tx, due.name, CAMPAIGN_MOVES.refuse.scheduled, problemOf(missing));
      return true;
    });
  }
}

const problemOf = (missing: string) => `There is no audience ${missing} any more.`;

function selectionsOf({ body }: DueCampaign, found: readonly StoredAudience[]): AudienceSelection[] {
  const named = (names: readonly string[]) =>
    names.flatMap((name) => found.filter((one) => one.name === name).map(({ rule }) => ({ name, rule })));
  const without = named(body.exclusions);
  return named(body.audiences).map((audience) => ({ audience, without }));
}
