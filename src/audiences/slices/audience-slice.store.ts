import { Injectable } from '@nestjs/common';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { named, plannedEachTime } from '../../platform/postgres/statement.js';
import type { Audience, AudienceSelection, MemberData } from '../audience.js';
import { StatementValues } from '../rule/rule-condition.js';
import { KNOWN_USERS, membershipSql, sampleSql, type SlicePlace, sliceSql } from './audience-sql.js';

/** $1: the name of a list. */
const SIZES = named(
  'audience-sizes',
  `SELECT ARRAY[${KNOWN_USERS.map(({ pages }) => pages).join()}] AS pages, (SELECT a.members FROM audience a WHERE a.name = $1) AS members`,
);
/** Pages of each table, some hundred rows each, that are looked at for an estimate: it takes well under a second. */
const SAMPLED_PAGES = 32;
const SAMPLED_MEMBERS = 2_000;

/** A user who was looked at. */
export interface LookedAt {
  readonly userId: string;
  /** What a list says of the user. */
  readonly data: MemberData | null;
  readonly isMember: boolean;
}

/** A member who was found by chance, and how many members this one stands for. */
export interface SampledMember {
  readonly userId: string;
  readonly weight: number;
}

/** Members who were found by chance. */
export interface AudienceSample {
  readonly members: readonly SampledMember[];
  /** For how many users each one stands at most who was looked at, member or not; 1 if all were. */
  readonly step: number;
}

/** Finds the members of audiences. What a rule asks is written into the statement, so none is prepared. */
@Injectable()
export class AudienceSliceStore {
  constructor(private readonly database: Database) {}

  /** Looks at the next `limit` users after the user `after`, by their ids. Fewer come back when there are no more. */
  slice(tx: Transaction, selection: AudienceSelection, place: SlicePlace): Promise<LookedAt[]> {
    const values = new StatementValues();
    const text = sliceSql(selection, place, values);
    return tx.run(ofRule('audience-slice', text), values.all);
  }

  /** Returns whether the user is in one of the audiences and in none of the others, and what the first list with the user says. */
  async membership(
    { anyOf, without }: { readonly anyOf: readonly Audience[]; readonly without: readonly Audience[] },
    userId: string,
  ): Promise<{ isMember: boolean; data: MemberData | null }> {
    const values = new StatementValues();
    const text = membershipSql({ anyOf, without }, userId, values);
    const [row] = await this.database.run<{ isMember: boolean; data: MemberData | null }>(
      'important',
      ofRule('audience-membership', text),
      values.all,
    );
    if (!row) throw new Error('the query returns one row');
    return row;
  }

  /** Returns members by chance: in so many pages of each table of users; of a list its first ones. */
  async sample(selection: AudienceSelection): Promise<AudienceSample> {
    const { name, rule } = selection.audience;
    type Sizes = { pages: number[]; members: number | null };
    const [sizes] = await this.database.run<Sizes>('routine', SIZES, [name]);
    const steps = (sizes?.pages ?? []).map((pages) => Math.max(1, pages / SAMPLED_PAGES));
    const step = rule ? Math.max(...steps) : Math.max(1, (sizes?.members ?? 0) / SAMPLED_MEMBERS);
    const values = new StatementValues();
    const text = sampleSql(selection, { steps, step, limit: SAMPLED_MEMBERS }, values);
    const wanted = `SELECT s.user_id AS "userId", s.weight::float8 AS weight FROM (${text}) s`;
    return {
      members: await this.database.run('routine', ofRule('audience-sample', wanted), values.all),
      step,
    };
  }
}

const ofRule = (name: string, text: string): Statement => plannedEachTime({ name, text });
