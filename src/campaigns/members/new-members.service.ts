import { Inject, Injectable, Logger } from '@nestjs/common';
import type { LookedAt } from '../../audiences/slices/audience-slice.store.js';
import { AddressCipherService } from '../../contacts/address-cipher.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { CampaignCountsStore } from '../definitions/campaign-counts.store.js';
import { ADDRESS_UNREADABLE, DUPLICATE_ADDRESS } from '../definitions/funnel.js';
import { CampaignMemberStore, type NewMember } from './campaign-member.store.js';
import type { ClaimedProgress } from './campaign-progress.store.js';
import { dueAtOf } from './due-at.js';
import { normalisedEmail } from './normalised-email.js';

/** Makes users members of campaigns, each person once, and counts them. */
@Injectable()
export class NewMembersService {
  private readonly log = new Logger('campaigns');

  constructor(
    private readonly members: CampaignMemberStore,
    private readonly counts: CampaignCountsStore,
    private readonly ciphers: AddressCipherService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Makes those members who are none yet. A user whose mail address another member has is skipped, and so is one whose address cannot be decrypted. */
  async add(tx: Transaction, progress: ClaimedProgress, found: readonly LookedAt[]): Promise<void> {
    const { campaign, selection } = progress;
    const members = await this.describe(tx, progress, found);
    const frozen = await this.members.freeze(tx, campaign, selection.audience.name, members);
    if (frozen.unreadable > 0)
      this.log.warn(
        `${campaign}: no secret of CONTACT_KEY decrypts the addresses of ${frozen.unreadable} members`,
      );
    await this.counts.add(tx, campaign, [
      { what: 'member', detail: '', count: frozen.members },
      { what: 'duplicate', detail: '', count: frozen.duplicates },
      { what: 'skipped', detail: DUPLICATE_ADDRESS, count: frozen.addresses },
      { what: 'skipped', detail: ADDRESS_UNREADABLE, count: frozen.unreadable },
    ]);
  }

  private async describe(
    tx: Transaction,
    progress: ClaimedProgress,
    found: readonly LookedAt[],
  ): Promise<NewMember[]> {
    const userIds = found.map(({ userId }) => userId);
    const facts = new Map((await this.members.facts(tx, userIds)).map((one) => [one.userId, one]));
    return found.map(({ userId, data }) => {
      const { address = null, timezone = null } = facts.get(userId) ?? {};
      const dueAt = dueAtOf(progress, timezone, this.config.DIGEST_TIMEZONE);
      return { userId, ...this.hashOf(address), dueAt, data: data ?? undefined };
    });
  }

  /** An address that no secret of CONTACT_KEY decrypts is the fault of that one contact; without any secret nobody becomes a member. */
  private hashOf(address: Uint8Array | null): Pick<NewMember, 'addressHash' | 'reason'> {
    if (address === null) return {};
    const cipher = this.ciphers.require();
    try {
      return { addressHash: cipher.hash(normalisedEmail(cipher.decrypt(address))).toString('hex') };
    } catch {
      return { reason: ADDRESS_UNREADABLE };
    }
  }
}
