import { Inject, Injectable } from '@nestjs/common';
import type { LookedAt } from '../../audiences/slices/audience-slice.store.js';
import { AddressCipherService } from '../../contacts/address-cipher.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { CampaignCountsStore } from '../definitions/campaign-counts.store.js';
import { DUPLICATE_ADDRESS } from '../definitions/funnel.js';
import { CampaignMemberStore, type NewMember } from './campaign-member.store.js';
import type { ClaimedWalk } from './campaign-walk.store.js';
import { dueAtOf } from './due-at.js';
import { normalisedEmail } from './normalised-email.js';

/** Makes users members of campaigns, each person once, and counts them. */
@Injectable()
export class NewMembersService {
  constructor(
    private readonly members: CampaignMemberStore,
    private readonly counts: CampaignCountsStore,
    private readonly ciphers: AddressCipherService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Makes those members who are none yet. A user whose mail address another member has is skipped. */
  async add(tx: Transaction, walk: ClaimedWalk, found: readonly LookedAt[]): Promise<void> {
    const members = await this.describe(tx, walk, found);
    const frozen = await this.members.freeze(tx, walk.campaign, walk.selection.audience.name, members);
    await this.counts.add(tx, walk.campaign, [
      { what: 'member', detail: '', count: frozen.members },
      { what: 'duplicate', detail: '', count: frozen.duplicates },
      { what: 'skipped', detail: DUPLICATE_ADDRESS, count: frozen.addresses },
    ]);
  }

  private async describe(
    tx: Transaction,
    walk: ClaimedWalk,
    found: readonly LookedAt[],
  ): Promise<NewMember[]> {
    const userIds = found.map(({ userId }) => userId);
    const facts = new Map((await this.members.facts(tx, userIds)).map((one) => [one.userId, one]));
    return found.map(({ userId, data }) => {
      const { address = null, timezone = null } = facts.get(userId) ?? {};
      const dueAt = dueAtOf(walk, timezone, this.config.DIGEST_TIMEZONE);
      return { userId, addressHash: this.hashOf(address), dueAt, data: data ?? undefined };
    });
  }

  private hashOf(address: Uint8Array | null): string | undefined {
    if (address === null) return undefined;
    const cipher = this.ciphers.require();
    return cipher.hash(normalisedEmail(cipher.decrypt(address))).toString('hex');
  }
}
