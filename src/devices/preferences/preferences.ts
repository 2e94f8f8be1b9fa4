import type { Preferences, QuietHours } from './preferences.schema.js';

/** Categories that are pushed only to users who opted in: a push every night to everybody would be too much. */
export const OPT_IN_CATEGORIES: readonly string[] = ['recommendations'];

/** The preferences of a user who has set none. */
export const DEFAULT_PREFERENCES: Preferences = {
  categories: { recommendations: { channels: { push: false } } },
  quietHours: null,
  oneDeviceIsEnough: false,
};

/** Returns the preferences that apply: those that were set, and the defaults for the rest. */
export const withDefaults = (preferences: Preferences | undefined): Preferences =>
  preferences
    ? { ...preferences, categories: { ...DEFAULT_PREFERENCES.categories, ...preferences.categories } }
    : DEFAULT_PREFERENCES;

/** Returns the category of an event's type: its first word, as `promo` of `promo.started`. */
export const categoryOf = (type: string): string => type.split('.', 1)[0] as string;

/** Whether events of this type are pushed only to users who opted in to their category. */
export const isOptIn = (type: string): boolean => OPT_IN_CATEGORIES.includes(categoryOf(type));

/**
 * Whether important events of this type are pushed to the user when they happen. device.fragments.ts has the same rule in SQL. Whoever asks for
 * a category at once has opted in to it.
 */
export const allowsPush = (preferences: Preferences, type: string): boolean =>
  allows(preferences, type, ['push']);

/**
 * Whether an important event of this type may be told to the user by a text or mail. Where nothing is said of that, whoever does not want
 * pushes of the category is not written to either.
 */
export const allowsMessage = (preferences: Preferences, type: string, channel: 'email' | 'sms'): boolean =>
  allows(preferences, type, [channel, 'push']);

/** The first of the channels of which the user said something decides. */
function allows(
  preferences: Preferences,
  type: string,
  channels: readonly ('push' | 'email' | 'sms')[],
): boolean {
  const category = categoryOf(type);
  const { delivery, channels: said = {} } = preferences.categories[category] ?? {};
  if (delivery === 'digest' || delivery === 'off') return false;
  const channel = channels.find((one) => said[one] !== undefined);
  return channel ? said[channel] === true : delivery === 'immediate' || !OPT_IN_CATEGORIES.includes(category);
}

/** Returns the quiet hours for events of this type: those of the category, else the general ones; null when there are none. */
export function quietHoursFor(preferences: Preferences, type: string): QuietHours | null {
  const own = preferences.categories[categoryOf(type)]?.quietHours;
  return own === undefined ? preferences.quietHours : own;
}
