import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../platform/postgres/database.js';
import type { Audience, AudienceSelection, MemberData, StoredAudience } from '../audience.js';
import { AudienceStore } from '../audience.store.js';
import { type AudienceSample, AudienceSliceStore, type LookedAt } from './audience-slice.store.js';
import type { SlicePlace } from './audience-sql.js';

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

  /**
   * Holds the lists of a selection: nobody removes one, or adds a member, before the transaction ends. Returns the name of one that is not there any
   * more, or was made anew; undefined when all are there. Rules need no holding: the selection has them.
   */
  async holdLists(tx: Transaction, { audience, without }: AudienceSelection): Promise<string | undefined> {
    const lists = [audience, ...without].filter(({ rule }) => !rule);
    if (lists.length === 0) return undefined;
    const names = lists.map(({ name }) => name);
    const found = new Map((await this.audiences.share(tx, names)).map((one) => [one.name, one]));
    return lists.find((list) => !isSameList(list, found.get(list.name)))?.name;
  }

  /** Looks at the next `limit` users after the user `after`; fewer come back when there are no more. */
  slice(tx: Transaction, selection: AudienceSelection, place: SlicePlace): Promise<LookedAt[]> {
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
  sample(selection: AudienceSelection): Promise<AudienceSample> {
    return this.slices.sample(selection);
  }
}

/** A selection that was stored by an older version does not say which list of the name it means. */
const isSameList = (list: Audience, found: StoredAudience | undefined): boolean =>
  found !== undefined &&
  found.rule === null &&
  (list.createdAt === undefined || list.createdAt === found.createdAt);
