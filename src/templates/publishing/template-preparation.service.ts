import { Injectable } from '@nestjs/common';
import { givenDataOf } from '../content/built-in-templates.js';
import { checkTemplate } from '../content/check-template.js';
import { canonicalLocale } from '../../platform/canonical-locale.js';
import { type CompiledTemplate, withHtml } from '../content/compiled-template.js';
import type { TemplateFault, TemplateSource } from '../template.js';
import { templateProblem } from '../template-problem.js';
import { MjmlCompilerService } from './mjml-compiler.service.js';
import type { NewTemplate } from './templates.schema.js';

/** More would not be read. */
const MAX_FAULTS = 20;

/** A template that can be published. `html`: by language, what became of MJML. */
export interface PreparedTemplate {
  readonly source: TemplateSource;
  readonly html: Readonly<Record<string, string>>;
  readonly template: CompiledTemplate;
}

/** Compiles and checks what back offices write. */
@Injectable()
export class TemplatePreparationService {
  constructor(private readonly mjml: MjmlCompilerService) {}

  /** Throws Problem template_invalid with all `faults`, or rate_limited. */
  async prepare(name: string, body: NewTemplate): Promise<PreparedTemplate> {
    const source = sourceOf(name, body);
    const html = await this.compileMails(source);
    const checked = checkTemplate(withHtml(source, html));
    if ('faults' in checked) throw templateProblem('template_invalid', checked.faults);
    return { source, html, template: checked.template };
  }

  private async compileMails({ locales }: TemplateSource): Promise<Record<string, string>> {
    const mails = Object.entries(locales).flatMap(([locale, { email }]) =>
      email?.mjml === undefined ? [] : [{ locale, mjml: email.mjml }],
    );
    const compiled = await this.mjml.compile(mails.map(({ mjml }) => mjml));
    const html: Record<string, string> = {};
    const faults: TemplateFault[] = [];
    for (const [n, { locale }] of mails.entries()) {
      const one = compiled[n];
      const at = `locales.${locale}.email.mjml`;
      if (one && 'html' in one) html[locale] = one.html;
      else
        faults.push(
          ...(one?.errors ?? []).map(({ line, message }) => ({ at: line ? `${at}:${line}` : at, message })),
        );
    }
    if (faults.length > 0) throw templateProblem('template_invalid', faults.slice(0, MAX_FAULTS));
    return html;
  }
}

function sourceOf(name: string, { data, example, ...body }: NewTemplate): TemplateSource {
  const words = withCanonicalLocales(body);
  const given = givenDataOf(name);
  if (given) {
    if (data === undefined && example === undefined)
      return { data: given.data, example: given.example, ...words };
    throw templateProblem('template_invalid', [
      {
        at: 'data',
        message: 'and example must be left out: Usher itself fills in the data of this template',
      },
    ]);
  }
  if (data === undefined)
    throw templateProblem('template_invalid', [
      { at: 'data', message: 'is missing: the schema of the data' },
    ]);
  return { data, example: example ?? {}, ...words };
}

/** Languages are compared as they are usually written: `pt-BR` for `PT-br`. */
function withCanonicalLocales({ locales, defaultLocale }: Pick<NewTemplate, 'locales' | 'defaultLocale'>) {
  const canonical = Object.entries(locales).map(
    ([tag, words]) => [canonicalLocale(tag) ?? tag, words] as const,
  );
  const result = Object.fromEntries(canonical);
  if (Object.keys(result).length < canonical.length)
    throw templateProblem('template_invalid', [{ at: 'locales', message: 'has a language twice' }]);
  return { locales: result, defaultLocale: canonicalLocale(defaultLocale) ?? defaultLocale };
}
