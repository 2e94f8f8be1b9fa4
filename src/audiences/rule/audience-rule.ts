import type { ToldChannel } from '../../devices/preferences/channels.js';

/** Conditions within conditions: more is not needed, and each level costs. */
export const MAX_RULE_DEPTH = 5;
/** Conditions of one rule. */
export const MAX_CONDITIONS = 50;

/** Who belongs to an audience: one condition, or several that are combined. Exactly one field is set. */
export interface AudienceRule {
  readonly all?: readonly AudienceRule[] | undefined;
  readonly any?: readonly AudienceRule[] | undefined;
  readonly not?: AudienceRule | undefined;
  readonly everyone?: true | undefined;
  readonly plan?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
  readonly platform?: readonly string[] | undefined;
  readonly appVersion?:
    | {
        readonly platform?: string | undefined;
        readonly atLeast?: string | undefined;
        readonly below?: string | undefined;
      }
    | undefined;
  readonly locale?: readonly string[] | undefined;
  readonly timezone?: readonly string[] | undefined;
  readonly lastSeen?: { readonly withinDays: number } | undefined;
  readonly watched?: { readonly showId: string; readonly withinDays?: number | undefined } | undefined;
  readonly preference?:
    | {
        readonly category: string;
        readonly delivery?: 'immediate' | 'digest' | 'off' | undefined;
        readonly channels?: Readonly<Partial<Record<ToldChannel, boolean | undefined>>> | undefined;
      }
    | undefined;
}

/** Returns the conditions directly within the rule. */
const partsOf = ({ all, any, not }: AudienceRule): readonly AudienceRule[] =>
  all ?? any ?? (not ? [not] : []);

/** Returns how deep conditions are nested, 1 for a single one, and how many there are. */
export function sizeOfRule(rule: AudienceRule): { depth: number; conditions: number } {
  const parts = partsOf(rule).map(sizeOfRule);
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    conditions: 1 + parts.reduce((sum, { conditions }) => sum + conditions, 0),
  };
}
