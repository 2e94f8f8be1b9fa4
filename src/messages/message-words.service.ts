import { Injectable } from '@nestjs/common';
import { ContactsService } from '../contacts/contacts.service.js';
import { Problem } from '../platform/http/problem.js';
import { isStorableJson } from '../platform/http/text.schema.js';
import { TemplateCatalogService } from '../templates/catalog/template-catalog.service.js';
import type { CompiledTemplate } from '../templates/content/compiled-template.js';
import type { RenderedWords } from '../templates/template.js';
import { templateProblem } from '../templates/template-problem.js';
import type { MessageChannel } from './message.js';
import type { NewMessageBody } from './messages.schema.js';
import type { MessageWords } from './messages.service.js';

/** Makes the words of messages that back offices send: their own, or those of a template, in the language of the user. */
@Injectable()
export class MessageWordsService {
  constructor(
    private readonly templates: TemplateCatalogService,
    private readonly contacts: ContactsService,
  ) {}

  /** Throws Problem unknown_template, or template_data_invalid with `faults`. */
  async of({ userId, channels, subject, text = '', html, template }: NewMessageBody): Promise<MessageWords> {
    if (!template) return { subject, text, html };
    if (!isStorableJson(JSON.stringify(template.data)))
      throw new Problem('invalid_request', 'template.data holds characters that cannot be stored.');
    const found = this.templates.find(template.name);
    const checked = found?.check(template.data);
    if (!found || !checked) throw new Problem('unknown_template', `There is no template ${template.name}.`);
    if ('faults' in checked) throw templateProblem('template_data_invalid', checked.faults);
    const locale = template.locale ?? (await this.contacts.localeOf(userId));
    const words = channels.map((channel) => toWords(render(found, channel, locale, checked.data)));
    return Object.assign({ text: '' }, ...words) as MessageWords;
  }
}

function render(
  template: CompiledTemplate,
  channel: MessageChannel,
  locale: string | null,
  data: object,
): RenderedWords {
  let words: RenderedWords | undefined;
  try {
    words = template.render(channel, locale, data);
  } catch (error) {
    const message = String((error as Error).message ?? error);
    throw templateProblem('template_data_invalid', [{ at: channel, message }]);
  }
  if (!words) throw new Problem('unknown_template', `The template has no words for the channel ${channel}.`);
  return words;
}

/** A text that may also become a mail has words of its own. */
function toWords(rendered: RenderedWords): Partial<MessageWords> {
  if (rendered.channel === 'email') return rendered.words;
  return rendered.channel === 'sms' ? { smsText: rendered.words.text } : {};
}
