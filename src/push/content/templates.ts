import { truncate } from '../../platform/truncate.js';

/** The text of a notification. */
export interface NotificationText {
  readonly title: string;
  readonly body: string;
}

type Language = 'en' | 'de';
type Template = (data: Record<string, unknown>) => string;

/** Lengths in UTF-16 units. Lock screens cut off longer texts, and messages stay far below the 4 KB that providers take. */
const MAX_TITLE = 100;
const MAX_BODY = 300;

const TEMPLATES: Record<string, Record<Language, readonly [title: Template, body: Template]>> = {
  'membership.changed': {
    en: [
      () => 'Your membership',
      (data) => membershipText(data, MEMBERSHIP_TEXTS.en) ?? 'Something has changed.',
    ],
    de: [
      () => 'Deine Mitgliedschaft',
      (data) => membershipText(data, MEMBERSHIP_TEXTS.de) ?? 'Es hat sich etwas geändert.',
    ],
  },
  'recommendations.ready': {
    en: [() => 'New for you', () => 'Your front page has something new.'],
    de: [() => 'Neu für dich', () => 'Auf deiner Startseite gibt es Neues.'],
  },
};

const MEMBERSHIP_TEXTS: Record<Language, Record<string, string>> = {
  en: {
    trialing: 'Your trial has begun.',
    active: 'Your plan is active.',
    ending: 'Your membership ends with the paid period.',
    past_due: 'Your payment did not go through. Please check it.',
    paused: 'Your membership is paused.',
    canceled: 'Your membership has ended.',
  },
  de: {
    trialing: 'Dein Probezeitraum hat begonnen.',
    active: 'Dein Tarif ist aktiv.',
    ending: 'Deine Mitgliedschaft endet mit dem bezahlten Zeitraum.',
    past_due: 'Deine Zahlung ist fehlgeschlagen. Bitte prüfe sie.',
    paused: 'Deine Mitgliedschaft ist pausiert.',
    canceled: 'Deine Mitgliedschaft ist beendet.',
  },
};

/** An active membership that will be canceled has a text of its own. */
const membershipText = ({ status, cancelAt }: Record<string, unknown>, texts: Record<string, string>) =>
  texts[cancelAt !== undefined && status === 'active' ? 'ending' : String(status)];

/**
 * Returns the text for an event in the device's language, or in English where there is no other; undefined for an event without a text,
 * which wakes the app silently. Back offices pass a text as `data.title` and `data.body` (or `data.text`). No input is used as a template.
 */
export function renderText(type: string, data: unknown, locale: string | null): NotificationText | undefined {
  const fields = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const template = TEMPLATES[type]?.[languageOf(locale)];
  if (template) return { title: template[0](fields), body: template[1](fields) };
  const title = textOf(fields['title']);
  const body = textOf(fields['body']) ?? textOf(fields['text']);
  if (title === undefined && body === undefined) return undefined;
  return { title: truncate(title ?? '', MAX_TITLE), body: truncate(body ?? '', MAX_BODY) };
}

const languageOf = (locale: string | null): Language => (/^de(-|$)/i.test(locale ?? '') ? 'de' : 'en');

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
