/** What a lock screen shows. */
export interface NotificationText {
  readonly title: string;
  readonly body: string;
}

type Language = 'en' | 'de';
type Template = (data: Record<string, unknown>) => string;

/** Beyond this a lock screen cuts it off; and so the message stays far below the 4 KB that vendors take. */
const MAX_TITLE = 100;
const MAX_BODY = 300;

const TEMPLATES: Record<string, Record<Language, readonly [title: Template, body: Template]>> = {
  'membership.changed': {
    en: [() => 'Your membership', (data) => membership(data, MEMBERSHIP.en) ?? 'Something has changed.'],
    de: [
      () => 'Deine Mitgliedschaft',
      (data) => membership(data, MEMBERSHIP.de) ?? 'Es hat sich etwas geändert.',
    ],
  },
  'recommendations.ready': {
    en: [() => 'New for you', () => 'Your front page has something new.'],
    de: [() => 'Neu für dich', () => 'Auf deiner Startseite gibt es Neues.'],
  },
};

const MEMBERSHIP: Record<Language, Record<string, string>> = {
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

/** One that goes on, but has an end, is told by its end. */
const membership = ({ status, cancelAt }: Record<string, unknown>, words: Record<string, string>) =>
  words[cancelAt !== undefined && status === 'active' ? 'ending' : String(status)];

/**
 * The words for an event in the device's language (English where we have none); undefined for an event without words, which wakes the
 * app silently. A back office brings them in `data.title` and `data.body` (or `data.text`). Nothing of the input is a template.
 */
export function renderText(type: string, data: unknown, locale: string | null): NotificationText | undefined {
  const of = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const template = TEMPLATES[type]?.[languageOf(locale)];
  if (template) return { title: template[0](of), body: template[1](of) };
  const title = textOf(of['title']);
  const body = textOf(of['body']) ?? textOf(of['text']);
  if (title === undefined && body === undefined) return undefined;
  return { title: cut(title ?? '', MAX_TITLE), body: cut(body ?? '', MAX_BODY) };
}

const languageOf = (locale: string | null): Language => (/^de(-|$)/i.test(locale ?? '') ? 'de' : 'en');

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;

/** Between what a reader sees as characters, so that no emoji is halved. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, 2 * max))) {
    if (kept.length + segment.length > max - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
