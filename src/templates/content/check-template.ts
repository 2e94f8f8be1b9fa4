import type { TemplateChannel, TemplateFault, TemplateSource } from '../template.js';
import { channelsOf, type CompiledTemplate, compileTemplate } from './compiled-template.js';
import { countNodes, faultsOfSchema, leastOf, typeOf } from './data-schema.js';
import { faultOf } from './liquid.js';

/** More would not be read. */
const MAX_FAULTS = 50;
/** Values that the schema of one template's data speaks of. */
const MAX_NODES = 1_000;

/**
 * Returns the template, or all that is wrong with it: values that may be missing, texts that cannot be parsed, or that take too long or print
 * too much with the example, languages that lack what others have. MJML must have been compiled.
 */
export function checkTemplate(
  source: TemplateSource,
): { readonly template: CompiledTemplate } | { readonly faults: readonly TemplateFault[] } {
  if (countNodes(source.data) > MAX_NODES)
    return { faults: [{ at: 'data', message: `speaks of more than ${MAX_NODES} values` }] };
  const ofSchema = faultsOfSchema(source.data, 'data');
  if (typeOf(source.data) !== 'object') ofSchema.push({ at: 'data', message: 'must be of the type object' });
  if (ofSchema.length > 0) return { faults: ofSchema.slice(0, MAX_FAULTS) };
  const { template, faults } = compileTemplate(source);
  const found = [...faults, ...faultsOfLocales(source)];
  if (found.length === 0) found.push(...faultsOfExample(source, template));
  return found.length > 0 ? { faults: found.slice(0, MAX_FAULTS) } : { template };
}

/** Whoever reads no language of the template gets the default one's words, so these must be there for each channel. */
function faultsOfLocales({ locales, defaultLocale }: TemplateSource): TemplateFault[] {
  const ofDefault = locales[defaultLocale];
  const at = `locales.${defaultLocale}`;
  if (!ofDefault) return [{ at, message: 'is missing: it is the default' }];
  const channels = new Set(Object.values(locales).flatMap(channelsOf));
  if (channels.size === 0) return [{ at, message: 'has words for no channel' }];
  return [...channels]
    .filter((channel) => !ofDefault[channel])
    .map((channel) => ({
      at: `${at}.${channel}`,
      message: 'is missing: another language has it, and this is the default',
    }));
}

/** Tries all words with the example, and with as little of it as the schema requires. */
function faultsOfExample(
  { data, example, locales }: TemplateSource,
  template: CompiledTemplate,
): TemplateFault[] {
  const [full, least] = [template.check(example), template.check(leastOf(data, example))];
  if ('faults' in full)
    return full.faults.map(({ at, message }) => ({ at: at.replace('data', 'example'), message }));
  const tried = 'data' in least ? [least.data] : [];
  return Object.entries(locales).flatMap(([locale, words]) =>
    channelsOf(words).flatMap((channel) => {
      const [fault] = [
        ...faultsOfRendering(template, { locale, channel, data: full.data, mayBeEmpty: false }),
        ...tried.flatMap((data) => faultsOfRendering(template, { locale, channel, data, mayBeEmpty: true })),
      ];
      return fault ? [fault] : [];
    }),
  );
}

interface Trial {
  readonly locale: string;
  readonly channel: TemplateChannel;
  readonly data: object;
  readonly mayBeEmpty: boolean;
}

function faultsOfRendering(
  template: CompiledTemplate,
  { locale, channel, data, mayBeEmpty }: Trial,
): TemplateFault[] {
  const at = `locales.${locale}.${channel}`;
  try {
    const words = template.render(channel, locale, data)?.words ?? {};
    const empty = Object.entries(words).find(([, text]) => String(text).trim() === '');
    return empty && !mayBeEmpty
      ? [{ at: `${at}.${empty[0]}`, message: 'prints nothing with the example' }]
      : [];
  } catch (error) {
    return [faultOf(at, error)];
  }
}
