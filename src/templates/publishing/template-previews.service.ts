import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { TemplateStore } from '../catalog/template.store.js';
import { BUILT_IN_TEMPLATES } from '../content/built-in-templates.js';
import { type CompiledTemplate, compileTemplate, withHtml } from '../content/compiled-template.js';
import { faultOf } from '../content/liquid.js';
import type { TemplateSource } from '../template.js';
import { templateProblem } from '../template-problem.js';
import { TemplatePreparationService } from './template-preparation.service.js';
import type { PreviewedTemplate } from './templates.schema.js';

interface Previewed {
  readonly version: number | null;
  readonly source: TemplateSource;
  readonly template: CompiledTemplate;
}

/** Shows the words of templates. */
@Injectable()
export class TemplatePreviewsService {
  constructor(
    private readonly store: TemplateStore,
    private readonly preparation: TemplatePreparationService,
  ) {}

  /** Returns the words. Throws Problem not_found, template_invalid, or template_data_invalid with `faults`. */
  async preview(name: string, wanted: PreviewedTemplate) {
    const { channel, locale = null } = wanted;
    const { version, source, template } = await this.find(name, wanted);
    const checked = template.check(wanted.data ?? source.example);
    if ('faults' in checked) throw templateProblem('template_data_invalid', checked.faults);
    try {
      const rendered = template.render(channel, locale, checked.data);
      if (rendered) return { name, version, channel, locale: rendered.locale, ...rendered.words };
    } catch (error) {
      throw templateProblem('template_data_invalid', [faultOf(channel, error)]);
    }
    throw new Problem('not_found', 'The template has no words for this channel.');
  }

  private async find(name: string, { template: draft, version }: PreviewedTemplate): Promise<Previewed> {
    if (draft) return { version: null, ...(await this.preparation.prepare(name, draft)) };
    const stored = await this.store.get(name, version);
    const source = stored
      ? withHtml(stored.body, stored.html)
      : version === undefined
        ? BUILT_IN_TEMPLATES.get(name)
        : undefined;
    if (!source) throw new Problem('not_found', 'There is no such template, or no such version of it.');
    return { version: stored?.version ?? null, source, template: compileTemplate(source).template };
  }
}
