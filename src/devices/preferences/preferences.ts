import type { Preferences, QuietHours } from './preferences.schema.js';

/** Categories that are pushed only to users who asked for them: a front page a night for everybody would be too much. */
export const OPT_IN_CATEGORIES: readonly string[] = ['recommendations'];

/** Of a user who said nothing. */
export const DEFAULT_PREFERENCES: Preferences = {
  categories: { recommendations: { channels: { push: false } } },
  quietHours: null,
  oneDeviceIsEnough: false,
};

/** What is said, over what holds unless it is said. */
export const withDefaults = (said: Preferences | undefined): Preferences =>
  said
    ? { ...said, categories: { ...DEFAULT_PREFERENCES.categories, ...said.categories } }
    : DEFAULT_PREFERENCES;

/** The first word of an event's type. */
export const categoryOf = (type: string): string => type.split('.', 1)[0] as string;

/** Whether events of this type are pushed only to users who asked for their category. */
export const isOptIn = (type: string): boolean => OPT_IN_CATEGORIES.includes(categoryOf(type));

export function allowsPush(preferences: Preferences, type: string): boolean {
  const category = categoryOf(type);
  return preferences.categories[category]?.channels?.push ?? !OPT_IN_CATEGORIES.includes(category);
}

/** The quiet hours for events of this type: the category's own, else the general ones. */
export function quietHoursFor(preferences: Preferences, type: string): QuietHours | null {
  const own = preferences.categories[categoryOf(type)]?.quietHours;
  return own === undefined ? preferences.quietHours : own;
}
