/** `member`: a person of the campaign. `duplicate`: found again in a further audience. `queued`, by channel. `skipped`, by reason. `converted`: did what the campaign hopes for. */
export type TallyKind = 'member' | 'duplicate' | 'queued' | 'skipped' | 'converted';

/** How many members became what. */
export interface TallyEntry {
  readonly what: TallyKind;
  /** A channel, a reason, or nothing. */
  readonly detail: string;
  readonly count: number;
}

const SHARDS = 16;
/** Returns the shard of a count to add to: two transactions seldom wait for the same row. */
export const anyShard = (): number => Math.floor(Math.random() * SHARDS);

/** Why a member is skipped who has the mail address of another one. */
export const DUPLICATE_ADDRESS = 'duplicate_address';

/** Why a member is skipped whose mail address no secret of CONTACT_KEY decrypts: nobody can say whether another member has it. */
export const ADDRESS_UNREADABLE = 'address_unreadable';

/** Returns the counts of a campaign as callers get them. */
export function funnelOf(tally: readonly TallyEntry[]) {
  const of = (what: TallyKind) => tally.filter((entry) => entry.what === what);
  const sumOf = (what: TallyKind) => of(what).reduce((sum, { count }) => sum + count, 0);
  const byDetail = (what: TallyKind) =>
    Object.fromEntries(of(what).map(({ detail, count }) => [detail, count]));
  const [members, users] = [sumOf('member'), sumOf('duplicate')];
  const skipped = byDetail('skipped');
  return {
    audience: members + users,
    duplicates: { users, addresses: skipped[DUPLICATE_ADDRESS] ?? 0 },
    members,
    pending: members - sumOf('queued') - sumOf('skipped'),
    queued: byDetail('queued'),
    skipped,
    converted: sumOf('converted'),
  };
}
