import { truncate } from '../../platform/truncate.js';
import {
  type LocaleWords,
  type RenderedWords,
  TEMPLATE_CHANNELS,
  type TemplateChannel,
  type TemplateFault,
  type TemplateSource,
} from '../template.js';
import { type CheckedData, type DataCheck, dataCheckOf } from './data-schema.js';
import { faultOf, type ParsedText, parseText, renderText, type Syntax } from './liquid.js';
import { fallbackChain } from './locales.js';
import { oneLine } from './one-line.js';
import { MAX_BODY, MAX_TITLE } from './plain-words.js';
import { faultsOfVariables } from './variables.js';

/** Gmail cuts off what is longer. */
export const MAX_SUBJECT = 250;
/** Characters of a text or a mail's text. */
export const MAX_TEXT = 20_000;
/** Characters of a mail's HTML. */
export const MAX_HTML = 200_000;

/** How a text is printed: into what, on how many lines, and at most how many characters. */
interface Field {
  readonly syntax: Syntax;
  readonly lines: 'one' | 'many';
  readonly max: number;
}
const HEADER: Field = { syntax: 'text', lines: 'one', max: 1_000 };
const TEXT: Field = { syntax: 'text', lines: 'many', max: MAX_TEXT };
const FIELDS: Readonly<Record<TemplateChannel, Readonly<Record<string, Field>>>> = {
  push: { title: HEADER, body: { ...TEXT, max: 2_000 } },
  sms: { text: TEXT },
  email: { subject: HEADER, text: TEXT, html: { syntax: 'html', lines: 'many', max: MAX_HTML } },
};

type ParsedWords = Readonly<Partial<Record<TemplateChannel, Readonly<Record<string, ParsedText>>>>>;
type PrintedWords = Readonly<Record<string, string>>;

/** A template whose texts are parsed. Its source has been checked, or comes from compileTemplate, which says what is wrong with it. */
export class CompiledTemplate {
  constructor(
    readonly source: Pick<TemplateSource, 'defaultLocale'>,
    private readonly dataCheck: DataCheck,
    private readonly words: ReadonlyMap<string, ParsedWords>,
  ) {}

  /** Returns the data with default values, or what does not fit the schema. */
  check(data: unknown): CheckedData {
    return this.dataCheck(data);
  }

  /** Whether it has words for the channel. */
  has(channel: TemplateChannel): boolean {
    return this.words.get(this.source.defaultLocale)?.[channel] !== undefined;
  }

  /** Returns the languages in which it has words for the channel. */
  localesOf(channel: TemplateChannel): string[] {
    return [...this.words].flatMap(([locale, words]) => (words[channel] ? [locale] : []));
  }

  /**
   * Returns the words in the reader's language, or the nearest one that there is. `data` is what check returned. Undefined for a channel
   * that it has no words for. Throws an Error when they take too long, or are too many.
   */
  render(channel: TemplateChannel, locale: string | null, data: object): RenderedWords | undefined {
    for (const tag of fallbackChain(locale, this.source.defaultLocale)) {
      const parsed = this.words.get(tag)?.[channel];
      if (!parsed) continue;
      const printed = Object.fromEntries(
        Object.entries(parsed).map(([name, text]) => [
          name,
          renderText(text, data, FIELDS[channel][name]?.max ?? 0),
        ]),
      );
      return { channel, locale: tag, words: finished(channel, printed) } as RenderedWords;
    }
    return undefined;
  }
}

function finished(channel: TemplateChannel, printed: PrintedWords): RenderedWords['words'] {
  const { title = '', body = '', subject = '', text = '', html } = printed;
  if (channel === 'push')
    return { title: truncate(oneLine(title), MAX_TITLE), body: truncate(body.trim(), MAX_BODY) };
  if (channel === 'sms') return { text: text.trim() };
  return {
    subject: truncate(oneLine(subject), MAX_SUBJECT),
    text: text.trim(),
    ...(html !== undefined && { html }),
  };
}

/** Returns the template, and what is wrong with it. MJML has been compiled before: here it is not looked at. */
export function compileTemplate(source: TemplateSource): {
  template: CompiledTemplate;
  faults: TemplateFault[];
} {
  const faults: TemplateFault[] = [];
  const words = new Map(
    Object.entries(source.locales).map(([locale, ofLocale]) => [
      locale,
      Object.fromEntries(
        channelsOf(ofLocale).map((channel) => [channel, parseWords(source, locale, channel, faults)]),
      ),
    ]),
  );
  return { template: new CompiledTemplate(source, dataCheckOf(source.data), words), faults };
}

/** Returns the channels for which there are words. */
export const channelsOf = (words: LocaleWords): TemplateChannel[] =>
  TEMPLATE_CHANNELS.filter((channel) => words[channel] !== undefined);

function parseWords(
  source: TemplateSource,
  locale: string,
  channel: TemplateChannel,
  faults: TemplateFault[],
): Readonly<Record<string, ParsedText>> {
  const texts = source.locales[locale]?.[channel] as PrintedWords | undefined;
  const parsed: Record<string, ParsedText> = {};
  for (const [name, { syntax, lines }] of Object.entries(FIELDS[channel])) {
    const text = texts?.[name];
    if (text === undefined) continue;
    const at = `locales.${locale}.${channel}.${name}`;
    try {
      const one = parseText(lines === 'one' ? text.replaceAll(/\s+/g, ' ') : text, syntax);
      parsed[name] = one;
      faults.push(...faultsOfVariables(one, source.data, at));
    } catch (error) {
      faults.push(faultOf(at, error));
    }
  }
  return parsed;
}

/** Returns the source with the HTML that was made of its MJML. */
export const withHtml = (source: TemplateSource, html: Readonly<Record<string, string>>): TemplateSource => ({
  ...source,
  locales: Object.fromEntries(
    Object.entries(source.locales).map(([locale, words]) => {
      const made = html[locale];
      return [
        locale,
        words.email && made !== undefined ? { ...words, email: { ...words.email, html: made } } : words,
      ];
    }),
  ),
});
