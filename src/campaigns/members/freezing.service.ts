import { Injectable } from '@nestjs/common';
import { AudienceSlicesService } from '../../audiences/slices/audience-slices.service.js';
import { Database } from '../../platform/postgres/database.js';
import { CampaignWalkStore } from './campaign-walk.store.js';
import { NewMembersService } from './new-members.service.js';

/** Users who are looked at in one transaction. */
const SLICE = 1_000;

/** Freezes the members of campaigns: from then on it is certain whom one is for. */
@Injectable()
export class FreezingService {
  constructor(
    private readonly walks: CampaignWalkStore,
    private readonly audiences: AudienceSlicesService,
    private readonly members: NewMembersService,
    private readonly database: Database,
  ) {}

  /** Freezes a slice of the members of an audience. Returns whether there may be more. A crash at any statement leaves all as it was. */
  freezeSlice(): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      const walk = await this.walks.claim(tx);
      if (!walk) return false;
      const slice = await this.audiences.slice(tx, walk.selection, { after: walk.walkedTo, limit: SLICE });
      const found = slice.filter(({ isMember }) => isMember);
      if (found.length > 0) await this.members.add(tx, walk, found);
      const walkedTo = slice.at(-1)?.userId ?? walk.walkedTo;
      await this.walks.advance(tx, walk, { walkedTo, isDone: slice.length < SLICE });
      return true;
    });
  }

  /** Marks the campaigns whose members have all been found. */
  markFrozen(): Promise<void> {
    return this.walks.markFrozen();
  }
}
