import { Injectable } from '@nestjs/common';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Database } from '../../platform/postgres/database.js';
import type { WorkedCampaign } from '../campaign.js';
import { CampaignFailuresService } from '../failures/campaign-failures.service.js';
import { CampaignProgressStore } from './campaign-progress.store.js';
import { NewMembersService } from './new-members.service.js';

/** Users who are looked at in one transaction. */
const SLICE = 1_000;

/** Freezes the members of campaigns: from then on it is certain whom one is for. */
@Injectable()
export class FreezingService {
  constructor(
    private readonly progress: CampaignProgressStore,
    private readonly audiences: AudienceSlicesService,
    private readonly members: NewMembersService,
    private readonly failures: CampaignFailuresService,
    private readonly database: Database,
  ) {}

  /** Whether a campaign is to begin, or members of one are to be found. */
  hasWork(): Promise<boolean> {
    return this.progress.hasWork();
  }

  /** Returns the running campaigns whose members have not all been found. */
  campaigns(): Promise<WorkedCampaign[]> {
    return this.progress.freezing();
  }

  /**
   * Freezes a slice of the members of an audience. Returns whether there may be more. A campaign one of whose lists is gone is paused: without the list
   * people would be written to who must not be. A crash at any statement leaves all as it was.
   */
  freezeSlice(campaign: string): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      const progress = await this.progress.claim(tx, campaign);
      if (!progress) return false;
      const gone = await this.audiences.holdLists(tx, progress.selection);
      if (gone !== undefined) {
        await this.failures.stop(tx, campaign, `There is no list ${gone} any more, as it was at the start.`);
        return false;
      }
      const place = { after: progress.foundUpTo, limit: SLICE, asOf: progress.startedAt };
      const slice = await this.audiences.slice(tx, progress.selection, place);
      const found = slice.filter(({ isMember }) => isMember);
      if (found.length > 0) await this.members.add(tx, progress, found);
      const foundUpTo = slice.at(-1)?.userId ?? progress.foundUpTo;
      await this.progress.advance(tx, progress, { foundUpTo, isDone: slice.length < SLICE });
      return true;
    });
  }

  /** Marks the campaigns whose members have all been found. */
  markFrozen(): Promise<void> {
    return this.progress.markFrozen();
  }
}
