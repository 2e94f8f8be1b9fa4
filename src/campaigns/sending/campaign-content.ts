import type { DataOf } from '../../mailbox/events/event-types.js';
import { MAX_DATA_BYTES } from '../../mailbox/events/publish.schema.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import type { NotificationText } from '../../templates/template.js';
import type { CampaignDefinition, NamedCampaign } from '../campaign.js';

/** The `data` of a campaign's event. */
export type CampaignData = DataOf<'campaign.message'>;

/** Whom it is for: the language, and the values that only this member has. */
export interface Reader {
  readonly locale: string | null;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** Returns the values that the template is filled in with: those of the member come on top. */
export const valuesOf = (
  { template }: Pick<CampaignDefinition, 'template'>,
  { data }: Pick<Reader, 'data'>,
): Record<string, unknown> => ({ ...template.data, ...data });

/** What is wrong with the values: the template lacks one, they are too many, or it fails with them. */
export interface ContentFault {
  readonly fault: string;
}

/** Returns the `data` of the campaign's event for this reader. */
export const campaignContent = (
  campaign: NamedCampaign,
  template: CompiledTemplate,
  reader: Reader,
): CampaignData | ContentFault =>
  contentOf(campaign, template, valuesOf(campaign.body, reader), (data) =>
    pushWordsOf(template, reader.locale, data),
  );

/** Returns the `data` of a campaign to everyone: the same for all, so it has the words in each language. */
export const contentForEveryone = (
  campaign: NamedCampaign,
  template: CompiledTemplate,
): CampaignData | ContentFault =>
  contentOf(campaign, template, valuesOf(campaign.body, { data: null }), (data) => {
    const { defaultLocale } = template.source;
    const others = template.localesOf('push').filter((locale) => locale !== defaultLocale);
    const locales = others.flatMap((locale) => {
      const words = pushWordsOf(template, locale, data);
      return words ? [[locale, words] as const] : [];
    });
    return {
      ...pushWordsOf(template, defaultLocale, data),
      ...(locales.length > 0 && { locales: Object.fromEntries(locales) }),
    };
  });

function contentOf(
  campaign: NamedCampaign,
  template: CompiledTemplate,
  values: Record<string, unknown>,
  wordsOf: (data: object) => Pick<CampaignData, 'title' | 'body' | 'locales'> | undefined,
): CampaignData | ContentFault {
  const { name, version } = campaign.body.template;
  const checked = template.check(values);
  if ('faults' in checked) {
    const [fault] = checked.faults;
    return { fault: `${fault?.at}: ${fault?.message}` };
  }
  try {
    const words = wordsOf(checked.data);
    const data = { campaign: campaign.name, template: { name, version }, values, ...words };
    const bytes = Buffer.byteLength(JSON.stringify(data));
    return bytes > MAX_DATA_BYTES
      ? { fault: `data: has ${bytes} bytes; an event may have ${MAX_DATA_BYTES}` }
      : data;
  } catch (error) {
    return { fault: String((error as Error).message ?? error) };
  }
}

function pushWordsOf(
  template: CompiledTemplate,
  locale: string | null,
  data: object,
): NotificationText | undefined {
  const rendered = template.has('push') ? template.render('push', locale, data) : undefined;
  return rendered?.channel === 'push' ? rendered.words : undefined;
}
