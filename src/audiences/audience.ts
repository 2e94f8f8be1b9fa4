import type { AudienceRule } from './rule/audience-rule.js';

/** An audience: users whom a rule fits, or, without a rule, those of a list that is uploaded. */
export interface Audience {
  readonly name: string;
  readonly rule: AudienceRule | null;
  /** ISO 8601. Which one of its name it is: a list that was made anew has other members. */
  readonly createdAt?: string | undefined;
}

/** An audience as it is stored. */
export interface StoredAudience extends Audience {
  readonly createdAt: string;
  /** How many users the list has; 0 for a rule. */
  readonly members: number;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** Whom to find: the members of `audience` who are in none of `without`. */
export interface AudienceSelection {
  readonly audience: Audience;
  readonly without: readonly Audience[];
}

/** What a list says of a member besides the id: values for the template. */
export type MemberData = Readonly<Record<string, unknown>>;
