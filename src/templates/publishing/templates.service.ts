import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { type StoredTemplate, TemplateStore, type TemplateVersion } from '../catalog/template.store.js';
import { TemplateCatalogService } from '../catalog/template-catalog.service.js';
import { BUILT_IN_TEMPLATES } from '../content/built-in-templates.js';
import { channelsOf } from '../content/compiled-template.js';
import { TEMPLATE_CHANNELS, type TemplateSource } from '../template.js';
import { TemplatePreparationService } from './template-preparation.service.js';
import type { NewTemplate } from './templates.schema.js';

/** Templates that are used. Each node has all of them in memory, parsed, which takes up to 140 times the space of their texts. */
const MAX_TEMPLATES = 200;
const MAX_MB = 4;

/** A template as the back office sees it. `version` and `publishedAt`: null for one that Usher brings along. */
export interface ListedTemplate extends TemplateSource {
  readonly name: string;
  readonly version: number | null;
  readonly publishedAt: string | null;
}

/** Publishes templates for the back office. */
@Injectable()
export class TemplatesService {
  constructor(
    private readonly store: TemplateStore,
    private readonly catalog: TemplateCatalogService,
    private readonly preparation: TemplatePreparationService,
    private readonly audit: AuditService,
  ) {}

  /** Returns what all templates have words for, by name. */
  async list() {
    const published = (await this.store.list()).map(toListed);
    const names = new Set(published.map(({ name }) => name));
    const builtIn = [...BUILT_IN_TEMPLATES].flatMap(([name, source]) =>
      names.has(name) ? [] : [builtInOf(name, source)],
    );
    return [...published, ...builtIn]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, version, publishedAt, defaultLocale, locales }) => ({
        name,
        version,
        publishedAt,
        defaultLocale,
        locales: Object.keys(locales),
        channels: TEMPLATE_CHANNELS.filter((channel) =>
          Object.values(locales).some((words) => channelsOf(words).includes(channel)),
        ),
      }));
  }

  /** Returns the version that is used, or the one that is asked for. Throws Problem not_found. */
  async get(name: string, version?: number): Promise<ListedTemplate> {
    const stored = await this.store.get(name, version);
    if (stored) return toListed(stored);
    const builtIn = version === undefined ? BUILT_IN_TEMPLATES.get(name) : undefined;
    if (!builtIn) throw notFound();
    return builtInOf(name, builtIn);
  }

  /** Returns the versions of a template, the newest first. */
  versions(name: string): Promise<TemplateVersion[]> {
    return this.store.versions(name);
  }

  /**
   * Publishes a version, which is used from then on. Throws Problem template_invalid with `faults`, or conflict when there are too many
   * templates, or they are too large together.
   */
  async publish(name: string, body: NewTemplate, by: AuditContext): Promise<ListedTemplate> {
    const { source, html } = await this.preparation.prepare(name, body);
    const act = { action: 'template.publish', target: { kind: 'template', id: name } } as const;
    const stored = await this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, name);
      const told = before && { version: before.version };
      if (before && isDeepStrictEqual(before.body, JSON.parse(JSON.stringify(source))))
        return { outcome: before, acts: [{ ...act, before: told, after: told, result: 'unchanged' }] };
      await this.checkRoom(tx, name, source, html);
      const outcome = await this.store.publish(tx, name, source, html);
      return {
        outcome,
        acts: [{ ...act, before: told, after: { version: outcome.version }, result: 'done' }],
      };
    });
    await this.catalog.refresh();
    return toListed(stored);
  }

  /** Has a version used that was published before. Throws Problem not_found, or conflict as publish does. */
  async activate(name: string, version: number, by: AuditContext): Promise<ListedTemplate> {
    const stored = await this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, name);
      const outcome = await this.store.getIn(tx, name, version);
      if (!outcome) throw notFound();
      await this.checkRoom(tx, name, outcome.body, outcome.html);
      await this.store.activate(tx, name, version);
      const act = { action: 'template.activate', target: { kind: 'template', id: name } } as const;
      const result = before?.version === version ? 'unchanged' : 'done';
      return {
        outcome,
        acts: [{ ...act, before: before && { version: before.version }, after: { version }, result }],
      };
    });
    await this.catalog.refresh();
    return toListed(stored);
  }

  /** Has none used any more, or the one that Usher brings along; its versions stay. Throws Problem not_found. */
  async deactivate(name: string, by: AuditContext): Promise<void> {
    await this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, name);
      if (!before) throw notFound();
      await this.store.activate(tx, name, null);
      const act = { action: 'template.deactivate', target: { kind: 'template', id: name } } as const;
      return { outcome: undefined, acts: [{ ...act, before: { version: before.version }, result: 'done' }] };
    });
    await this.catalog.refresh();
  }

  /** Throws Problem conflict when there are too many templates, or they are too large together. */
  private async checkRoom(
    tx: Transaction,
    name: string,
    body: TemplateSource,
    html: StoredTemplate['html'],
  ): Promise<void> {
    const { count, bytes } = await this.store.others(tx, name);
    const own = Buffer.byteLength(JSON.stringify(body)) + Buffer.byteLength(JSON.stringify(html));
    if (count >= MAX_TEMPLATES || bytes + own > MAX_MB * 1_048_576)
      throw new Problem('conflict', `There may be ${MAX_TEMPLATES} templates, of ${MAX_MB} MB together.`);
  }
}

const toListed = ({ name, version, body, publishedAt }: StoredTemplate): ListedTemplate => ({
  name,
  version,
  publishedAt,
  ...body,
});
const builtInOf = (name: string, source: TemplateSource): ListedTemplate => ({
  name,
  version: null,
  publishedAt: null,
  ...source,
});
const notFound = () => new Problem('not_found', 'There is no such template, or no such version of it.');
