import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../platform/postgres/database.js';
import type { Audience, AudienceSelection, MemberData, StoredAudience } from '../audience.js';
import { AudienceStore } from '../audience.store.js';
import { AudienceSliceStore, type LookedAt, type SampledMember } from './audience-slice.store.js';

/** Finds the members of audiences for whoever writes to them. */
@Injectable()
export class AudienceSlicesService {
  constructor(
    private readonly audiences: AudienceStore,
    private readonly slices: AudienceSliceStore,
  ) {}

  /** Returns the audiences of these names that there are. Nobody removes one before the transaction ends. */
  find(tx: Transaction, names: readonly string[]): Promise<StoredAudience[]> {
    return this.audiences.share(tx, names);
  }

  /** Returns the audiences of these names that there are. */
  list(names: readonly string[]): Promise<StoredAudience[]> {
    return this.audiences.named(names);
  }

  /** Looks at the next `limit` users after the user `after`; fewer come back when there are no more. */
  slice(
    tx: Transaction,
    selection: AudienceSelection,
    place: { readonly after: string; readonly limit: number },
  ): Promise<LookedAt[]> {
    return this.slices.slice(tx, selection, place);
  }

  /** Returns whether the user is in one of the audiences and in none of the others, and what the first list with the user says. */
  membership(
    of: { readonly anyOf: readonly Audience[]; readonly without: readonly Audience[] },
    userId: string,
  ): Promise<{ isMember: boolean; data: MemberData | null }> {
    return this.slices.membership(of, userId);
  }

  /** Returns members by chance, and for how many each stands. */
  sample(selection: AudienceSelection): Promise<SampledMember[]> {
    return this.slices.sample(selection);
  }
}
