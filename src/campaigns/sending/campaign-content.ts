import type { DataOf } from '../../mailbox/events/event-types.js';
import { MAX_DATA_BYTES } from '../../mailbox/events/publish.schema.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import type { NotificationText } from '../../templates/template.js';
import type { CampaignDefinition } from '../campaign.js';

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

/** Returns the `data` of the campaign's event, or what is wrong with the values: the template lacks one, they are too many, or it fails with them. */
export function campaignContent(
  campaign: { readonly name: string; readonly body: CampaignDefinition },
  template: CompiledTemplate,
  reader: Reader,
): CampaignData | { readonly fault: string } {
  const { name, version } = campaign.body.template;
  const values = valuesOf(campaign.body, reader);
  const checked = template.check(values);
  if ('faults' in checked) {
    const [fault] = checked.faults;
    return { fault: `${fault?.at}: ${fault?.message}` };
  }
  try {
    const words = pushWordsOf(template, reader.locale, checked.data);
    const data = { campaign: campaign.name, template: { name, version }, values, ...words };
    const bytes = Buffer.byteLength(JSON.stringify(data));
    return bytes > MAX_DATA_BYTES ? { fault: `data: has ${bytes} bytes` } : data;
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
