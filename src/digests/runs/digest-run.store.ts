import { Injectable } from '@nestjs/common';
import { isReachedBy } from '../../contacts/contact.fragments.js';
import { canBePushed } from '../../devices/device.fragments.js';
import type { Reach } from '../../devices/preferences/channels.js';
import { lastOffsetOf, MailboxFragments } from '../../mailbox/mailbox.fragments.js';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { fragment, named } from '../../platform/postgres/statement.js';
import type { CollectedTypes, DigestDefinition } from '../definitions/digest-definition.js';
import type { NextRun } from '../planning/next-run.js';
import type { CollectedEvents } from './digest-content.js';

/** Rows of the mailbox among which the items of one digest are looked for. */
const MOST_READ = 1_000;
/** Rows in which events are counted when there are more than those. A user with a million costs no more than one with so many. */
export const MOST_COUNTED = 5_000;

const SETTLE = named('settle-digests', fragment('settle-digests.sql', import.meta.url));
const REACH = named(
  'digest-reach',
  `SELECT u.user_id AS "userId", ${isReachedBy({ userId: 'u.user_id', channel: 'email' })} AS email,
     ${isReachedBy({ userId: 'u.user_id', channel: 'sms' })} AS sms, ${canBePushed('u.user_id')} AS push
   FROM unnest($1::text[]) AS u (user_id)`,
);
/** A local date whose digest is to be made. */
export interface NewRun extends CollectedTypes {
  readonly userId: string;
  readonly localDate: string;
  readonly timezone: string;
  /** ISO 8601. */
  readonly dueAt: string;
}

/** What was collected for one user. `head`: the offset up to which. */
export interface CollectedRun extends CollectedEvents {
  readonly userId: string;
  readonly head: number;
}

/** What became of a run. */
export interface SettledRun extends Pick<NewRun, 'userId' | 'localDate' | 'timezone' | 'dueAt'> {
  readonly state: 'handed_off' | 'empty' | 'skipped';
  readonly reason?: string | undefined;
  readonly eventId?: string | undefined;
  readonly events: number;
}

/** What a slice of runs came to. */
export interface SettledSlice {
  readonly runs: readonly SettledRun[];
  /** `afterOffset`: up to where was collected; left out when nothing was. */
  readonly plans: readonly (NextRun & { readonly afterOffset?: number | undefined })[];
  /** The users who have no further run. */
  readonly ended: readonly string[];
}

/** The runs of digests: one for each user, digest and local date. */
@Injectable()
export class DigestRunStore {
  private readonly collectStatements: Record<DigestDefinition['order'], Statement>;
  private readonly previewStatements: Record<DigestDefinition['order'], Statement>;

  constructor(
    private readonly database: Database,
    fragments: MailboxFragments,
  ) {
    const inOrder = (file: string, after: string) => {
      const of = (name: string, order: 'ASC' | 'DESC') =>
        named(
          `${file}-${name}`,
          fragment(`${file}.sql`, import.meta.url, this.parts(fragments, order, after)),
        );
      return { newest: of('newest', 'DESC'), oldest: of('oldest', 'ASC') };
    };
    this.collectStatements = inOrder('collect-digests', 'p.after_offset');
    this.previewStatements = inOrder('preview-digest', 'coalesce(p.after_offset, 0)');
  }

  /** Opens runs and collects their events. A date that has a run already is left out. */
  collect(
    tx: Transaction,
    { name, body }: { readonly name: string; readonly body: DigestDefinition },
    runs: readonly NewRun[],
    now: Date,
  ): Promise<CollectedRun[]> {
    return tx.run(this.collectStatements[body.order], [JSON.stringify(runs), name, now, body.maxItems]);
  }

  /** Writes what became of the runs of a slice, in the transaction of the claim. */
  async settle(
    tx: Transaction,
    digest: string,
    { runs, plans, ended }: SettledSlice,
    now: Date,
  ): Promise<void> {
    await tx.run(SETTLE, [digest, now, JSON.stringify(runs), JSON.stringify(plans), ended]);
  }

  /** Returns which ways to each of the users there are. */
  async reachOf(tx: Transaction, userIds: readonly string[]): Promise<ReadonlyMap<string, Reach>> {
    const rows = await tx.run<Reach & { userId: string }>(REACH, [userIds]);
    return new Map(rows.map(({ userId, ...reach }) => [userId, reach]));
  }

  /** Returns what the user's digest would collect now. */
  async preview(
    userId: string,
    { name, body }: { readonly name: string; readonly body: DigestDefinition },
    wanted: CollectedTypes,
    now: Date,
  ): Promise<CollectedEvents> {
    const values = [userId, name, now, body.maxItems, JSON.stringify(wanted)];
    const [row] = await this.database.run<CollectedRun>(
      'routine',
      this.previewStatements[body.order],
      values,
    );
    if (!row) throw new Error('the query returns one row');
    return row;
  }

  private parts(fragments: MailboxFragments, order: 'ASC' | 'DESC', after: string) {
    return {
      lastOffset: lastOffsetOf('a."userId"'),
      collected: fragments.collected({
        userId: 'a."userId"',
        after,
        upTo: 'h.head',
        matches: (type) => `(${type} = ANY (a.types) OR split_part(${type}, '.', 1) = ANY (a.categories))`,
        order,
        now: '$3::timestamptz',
        most: MOST_READ,
        mostCounted: MOST_COUNTED,
        limit: '$4::int',
      }),
    };
  }
}
