import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { growingCache } from '../../platform/growing-cache.js';
import { BUILT_IN_TEMPLATES, pinnedTemplateOf, templatesOfEvent } from '../content/built-in-templates.js';
import { type CompiledTemplate, compileTemplate, withHtml } from '../content/compiled-template.js';
import type { CheckedData } from '../content/data-schema.js';
import type { RenderedWords, TemplateChannel } from '../template.js';
import { type ActiveTemplate, type StoredTemplate, TemplateStore } from './template.store.js';

/** How late this node learns what was published on another one, at most. */
const EVERY_MS = 2_000;

/** Versions that campaigns name and this node has in memory. */
const MAX_VERSIONS = 100;

interface Published {
  readonly version: number;
  readonly template: CompiledTemplate;
}

/** The templates that are used, in memory: of the back office, and where it has none, those that Usher brings along. */
@Injectable()
export class TemplateCatalogService extends PeriodicWorker {
  private published: ReadonlyMap<string, Published> = new Map();
  private readonly builtIn = new Map<string, CompiledTemplate>();
  private readonly versions = growingCache<CompiledTemplate>(MAX_VERSIONS);
  private readonly failures: Counter<'template' | 'channel'>;

  constructor(
    private readonly store: TemplateStore,
    metrics: MetricsService,
  ) {
    super({ log: 'templates', everyMs: EVERY_MS, firstRun: 'at-boot' });
    this.failures = metrics.counter(
      'template_failures_total',
      'Words that could not be made: the data does not fit, or they take too long or are too many',
      ['template', 'channel'],
    );
  }

  /** Returns the template that is used; undefined when there is none. */
  find(name: string): CompiledTemplate | undefined {
    const found = this.published.get(name)?.template ?? this.builtIn.get(name);
    if (found) return found;
    const source = BUILT_IN_TEMPLATES.get(name);
    if (!source) return undefined;
    const { template } = compileTemplate(source);
    this.builtIn.set(name, template);
    return template;
  }

  /** Returns a version of the template, whichever is used; undefined when there is none. A version never changes, so it is read once. */
  async findVersion(name: string, version: number): Promise<CompiledTemplate | undefined> {
    const key = keyOfVersion(name, version);
    const known = this.versions.get(key);
    if (known) return known;
    const stored = await this.store.get(name, version);
    const template = stored && this.compile(stored)?.template;
    if (template) this.versions.set(key, template);
    return template;
  }

  /** Reads the version of the template that the event names, if it names one, so that renderEvent has it. */
  async prepareEvent({ type, data }: { readonly type: string; readonly data: unknown }): Promise<void> {
    const pinned = pinnedTemplateOf(type, data);
    if (pinned) await this.findVersion(pinned.name, pinned.version);
  }

  /** Returns the data with default values, or what does not fit; undefined when there is no such template. */
  check(name: string, data: unknown): CheckedData | undefined {
    return this.find(name)?.check(data);
  }

  /**
   * Returns the words in the reader's language, or the nearest that there is; undefined when there are none, or they cannot be made of this
   * data, which is counted. Never throws.
   */
  render(
    name: string,
    channel: TemplateChannel,
    locale: string | null,
    data: unknown,
  ): RenderedWords | undefined {
    return this.renderBy(name, this.find(name), { channel, locale, data });
  }

  /** The same for an event: of the templates that have its words, the first that has some. One that names a version must have been prepared. */
  renderEvent(
    { type, data }: { readonly type: string; readonly data: unknown },
    channel: TemplateChannel,
    locale: string | null,
  ): RenderedWords | undefined {
    const pinned = pinnedTemplateOf(type, data);
    if (pinned) {
      const { name, version, values } = pinned;
      return this.renderBy(name, this.versions.get(keyOfVersion(name, version)), {
        channel,
        locale,
        data: values,
      });
    }
    for (const name of templatesOfEvent(type, data)) {
      const rendered = this.render(name, channel, locale, data);
      if (rendered) return rendered;
    }
    return undefined;
  }

  /** Reads what has been published since. */
  async refresh(): Promise<void> {
    const known = [...this.published].map(([name, { version }]) => ({ name, version }));
    const active = await this.store.active(known);
    const next = active.flatMap((one): [string, Published][] => {
      const before = this.published.get(one.name);
      const published = one.body === null ? before : (this.compile(one) ?? before);
      return published ? [[one.name, published]] : [];
    });
    this.published = new Map(next);
  }

  protected runOnce(): Promise<void> {
    return this.refresh();
  }

  private renderBy(
    name: string,
    template: CompiledTemplate | undefined,
    { channel, locale, data }: { channel: TemplateChannel; locale: string | null; data: unknown },
  ): RenderedWords | undefined {
    if (!template?.has(channel)) return undefined;
    const checked = template.check(data);
    try {
      if ('data' in checked) return template.render(channel, locale, checked.data);
    } catch (error) {
      this.log.warn(`the template ${name} failed for ${channel}: ${String(error)}`);
    }
    this.failures.inc({ template: name, channel });
    return undefined;
  }

  /** Another version of Usher may have published what this one cannot read: then what was used before still is. */
  private compile(
    stored: Extract<ActiveTemplate, Pick<StoredTemplate, 'body' | 'html'>>,
  ): Published | undefined {
    try {
      const { template, faults } = compileTemplate(withHtml(stored.body, stored.html));
      const [fault] = faults;
      if (fault) throw new Error(`${fault.at}: ${fault.message}`);
      return { version: stored.version, template };
    } catch (error) {
      this.log.error(error, `version ${stored.version} of the template ${stored.name} cannot be used`);
      return undefined;
    }
  }
}

const keyOfVersion = (name: string, version: number): string => `${name} ${version}`;
