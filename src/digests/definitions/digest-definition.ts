import type { ToldChannel } from '../../devices/preferences/channels.js';
import { categoryOf } from '../../devices/preferences/preferences.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { Schedule } from '../schedule/schedule.js';

/** The days of the week, as ISO 8601 counts them. */
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

/** Events that a digest shows at most: more does not fit into an event. */
export const MAX_ITEMS = 50;

/** What a digest collects, and when it goes out. */
export interface DigestDefinition {
  readonly types: readonly string[];
  readonly categories: readonly string[];
  readonly cadence: 'daily' | 'weekly';
  readonly weekday?: (typeof WEEKDAYS)[number] | undefined;
  readonly at: string;
  readonly maxItems: number;
  readonly order: 'newest' | 'oldest';
  readonly group: 'none' | 'category' | 'type';
  readonly optIn: boolean;
  /** The first one that the user has is taken. Left out in those of older versions: a push. */
  readonly channels?: readonly ToldChannel[] | undefined;
}

/** A digest of the back office. */
export interface NamedDigest extends DigestDefinition {
  readonly name: string;
}

/** What is collected for one user. */
export interface CollectedTypes {
  readonly types: readonly string[];
  readonly categories: readonly string[];
}

/** Returns when the digest goes out. */
export const scheduleOf = ({ cadence, weekday, at }: DigestDefinition): Schedule => ({
  cadence,
  at,
  weekday: weekday && WEEKDAYS.indexOf(weekday) + 1,
});

/** Returns the categories of all events that the digest collects, each once. */
export const categoriesOf = ({ types, categories }: CollectedTypes): string[] => [
  ...new Set([...categories, ...types.map(categoryOf)]),
];

/**
 * Returns what the user's preferences leave of the digest: of one that needs opting in, the categories for which the user chose it; of others,
 * all but those that the user wants at once or not at all. Undefined when nothing is left.
 */
export function wantedOf(
  digest: DigestDefinition,
  preferences: Preferences | undefined,
): CollectedTypes | undefined {
  const isWanted = (category: string): boolean => {
    const delivery = preferences?.categories[category]?.delivery;
    return delivery === undefined ? !digest.optIn : delivery === 'digest';
  };
  const types = digest.types.filter((type) => isWanted(categoryOf(type)));
  const categories = digest.categories.filter(isWanted);
  return types.length + categories.length > 0 ? { types, categories } : undefined;
}
