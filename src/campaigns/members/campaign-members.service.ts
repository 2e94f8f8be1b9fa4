import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { CampaignMemberStore, type MemberRecord } from './campaign-member.store.js';

/** Says what became of members. */
@Injectable()
export class CampaignMembersService {
  constructor(private readonly store: CampaignMemberStore) {}

  /** Throws Problem not_found for a user who is no member. */
  async get(campaign: string, userId: string): Promise<MemberRecord> {
    const found = await this.store.get(campaign, userId);
    if (!found) throw new Problem('not_found', 'The campaign has no such member.');
    return found;
  }
}
