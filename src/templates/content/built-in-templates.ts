import type { DataNode, LocaleWords, TemplateSource } from '../template.js';

/** A value of an event that its publisher may leave out. */
const optional: DataNode = { type: ['string', 'null'], default: null };

const DIGEST_DATA: DataNode = {
  type: 'object',
  required: ['digest', 'localDate', 'count', 'isCounted', 'items'],
  properties: {
    digest: { type: 'string' },
    localDate: { type: 'string' },
    count: { type: 'integer', description: 'How many events there are, with those that are not shown' },
    isCounted: { type: 'boolean', description: 'False: there are more than `count`' },
    items: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'type', 'key', 'at'],
        properties: {
          id: { type: 'string' }, type: { type: 'string' }, key: { type: 'string' }, at: { type: 'string' },
          group: optional, title: optional, text: optional,
        },
      },
    },
  },
}; // prettier-ignore

/** `one`: the title of a digest of one event that has none. `more`: what stands before and behind the number of events that are not shown. */
const digestWords = (of: { news: string; one: string; more: [string, string] }): LocaleWords => {
  const count = `{{ count }}{% unless isCounted %}+{% endunless %} ${of.news}`;
  const title = `{% if count == 1 and items.size == 1 %}{% for item in items %}{{ item.title | default: '${of.one}' }}{% endfor %}{% else %}${count}{% endif %}`;
  const rest = `{% assign rest = count | minus: items.size %}{% if rest > 0 %}${of.more[0]}{{ rest }}{% unless isCounted %}+{% endunless %}${of.more[1]}{% endif %}`;
  const titles = `{% assign gap = '' %}{% for item in items limit: 3 %}{% if item.title %}{{ gap }}{{ item.title }}{% assign gap = ' · ' %}{% endif %}{% endfor %}`;
  return {
    push: { title, body: titles },
    sms: { text: `${count}: ${titles}` },
    email: {
      subject: title,
      text: `${count}\n{% for item in items %}\n* {{ item.title | default: item.type }}{% if item.text %}\n  {{ item.text }}{% endif %}{% endfor %}\n\n${rest}`,
      html: digestHtml(count, rest),
    },
  };
};

const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif';
const digestHtml = (count: string, rest: string): string => `<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${count}</title></head>
<body style="margin:0;background:#f3f4f6;${FONT}">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0" style="max-width:560px;background:#ffffff;border-radius:12px">
<tr><td style="padding:28px 28px 12px;font-size:22px;line-height:28px;font-weight:600;color:#111827">${count}</td></tr>
{% assign group = '' %}{% for item in items %}{% if item.group and item.group != group %}{% assign group = item.group %}<tr><td style="padding:16px 28px 0;font-size:12px;letter-spacing:.06em;text-transform:uppercase;color:#6b7280">{{ item.group }}</td></tr>
{% endif %}<tr><td style="padding:12px 28px;border-bottom:1px solid #e5e7eb"><div style="font-size:16px;line-height:22px;font-weight:600;color:#111827">{{ item.title | default: item.type }}</div>{% if item.text %}<div style="font-size:14px;line-height:20px;color:#4b5563">{{ item.text }}</div>{% endif %}</td></tr>
{% endfor %}<tr><td style="padding:16px 28px 28px;font-size:14px;line-height:20px;color:#6b7280">${rest}</td></tr>
</table></td></tr></table></body></html>`;

/** `ending`: the text of an active membership that will be canceled. */
const membershipText = (texts: Readonly<Record<string, string>>): string =>
  `{% case status %}${Object.entries(texts)
    .map(([status, text]) =>
      status === 'else'
        ? `{% else %}${text}`
        : `{% when '${status}' %}${status === 'active' ? `{% if cancelAt %}${texts['ending']}{% else %}${text}{% endif %}` : text}`,
    )
    .join('')}{% endcase %}`;
const membershipWords = (title: string, texts: Readonly<Record<string, string>>): LocaleWords =>
  sameWords(title, membershipText(texts));
const sameWords = (title: string, body: string): LocaleWords => ({
  push: { title, body },
  sms: { text: body },
  email: { subject: title, text: body },
});

const EXAMPLE_OF_DIGEST = {
  digest: 'evening',
  localDate: '2026-11-26',
  count: 12,
  isCounted: true,
  items: [
    { id: '6f1c8f0e-3a51-4d5e-9a0b-2f6f1c1f7c11', type: 'promo.started', key: 'promo', at: '2026-11-26T09:00:00.000Z', group: 'promo', title: 'Free week', text: 'Until Sunday' },
    { id: '6f1c8f0e-3a51-4d5e-9a0b-2f6f1c1f7c12', type: 'social.follow', key: 'follow', at: '2026-11-26T10:00:00.000Z', group: 'social', title: 'Ada follows you' },
  ],
}; // prettier-ignore

/** The template of all digests that have none of their own. */
export const DIGEST_TEMPLATE = 'digest';

/** The templates that Usher brings along. They are used until the back office publishes ones of the same names. */
export const BUILT_IN_TEMPLATES: ReadonlyMap<string, TemplateSource> = new Map([
  [
    'membership.changed',
    {
      data: {
        type: 'object',
        required: ['status'],
        properties: { status: { type: 'string' }, planId: optional, cancelAt: optional },
      },
      example: { status: 'active', planId: 'family', cancelAt: '2026-12-01T00:00:00.000Z' },
      defaultLocale: 'en',
      locales: {
        en: membershipWords('Your membership', {
          trialing: 'Your trial has begun.',
          active: 'Your plan is active.',
          ending: 'Your membership ends with the paid period.',
          past_due: 'Your payment did not go through. Please check it.',
          paused: 'Your membership is paused.',
          canceled: 'Your membership has ended.',
          else: 'Something has changed.',
        }),
        de: membershipWords('Deine Mitgliedschaft', {
          trialing: 'Dein Probezeitraum hat begonnen.',
          active: 'Dein Tarif ist aktiv.',
          ending: 'Deine Mitgliedschaft endet mit dem bezahlten Zeitraum.',
          past_due: 'Deine Zahlung ist fehlgeschlagen. Bitte prüfe sie.',
          paused: 'Deine Mitgliedschaft ist pausiert.',
          canceled: 'Deine Mitgliedschaft ist beendet.',
          else: 'Es hat sich etwas geändert.',
        }),
      },
    },
  ],
  [
    'recommendations.ready',
    {
      data: { type: 'object', properties: {} },
      example: {},
      defaultLocale: 'en',
      locales: {
        en: sameWords('New for you', 'Your front page has something new.'),
        de: sameWords('Neu für dich', 'Auf deiner Startseite gibt es Neues.'),
      },
    },
  ],
  [
    DIGEST_TEMPLATE,
    {
      data: DIGEST_DATA,
      example: EXAMPLE_OF_DIGEST,
      defaultLocale: 'en',
      locales: {
        en: digestWords({ news: 'new for you', one: '1 new for you', more: ['and ', ' more'] }),
        de: digestWords({
          news: 'Neuigkeiten für dich',
          one: '1 Neuigkeit für dich',
          more: ['und ', ' weitere'],
        }),
      },
    },
  ],
]);

const TYPE_OF_DIGESTS = 'digest.ready';
const TYPE_OF_CAMPAIGNS = 'campaign.message';

/** Returns the names of the templates with the words of an event, the best first: its type; of a digest, `digest.<name>` and `digest`. */
export function templatesOfEvent(type: string, data: unknown): string[] {
  if (type !== TYPE_OF_DIGESTS) return [type];
  const { digest } = (data ?? {}) as { digest?: unknown };
  return [`${DIGEST_TEMPLATE}.${String(digest)}`, DIGEST_TEMPLATE];
}

/** A version of a template, and what it is filled in with. */
export interface PinnedTemplate {
  readonly name: string;
  readonly version: number;
  readonly values: unknown;
}

/** Returns the version of the template that an event itself names, whatever is published meanwhile: that of its campaign; undefined for other events. */
export function pinnedTemplateOf(type: string, data: unknown): PinnedTemplate | undefined {
  if (type !== TYPE_OF_CAMPAIGNS) return undefined;
  const { template, values } = (data ?? {}) as { template?: Partial<PinnedTemplate>; values?: unknown };
  return template?.name === undefined || template.version === undefined
    ? undefined
    : { name: template.name, version: template.version, values };
}

/** Returns whose data a template of this name gets, if Usher fills it in: the templates of digests are `digest` and `digest.<name>`. */
export const givenDataOf = (name: string): Pick<TemplateSource, 'data' | 'example'> | undefined =>
  BUILT_IN_TEMPLATES.get(name.startsWith(`${DIGEST_TEMPLATE}.`) ? DIGEST_TEMPLATE : name);
