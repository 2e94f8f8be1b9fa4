import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { TemplateSource } from '../template.js';

/** Versions of one template that are kept, besides the one that is used. */
const KEPT_VERSIONS = 100;

const VERSION = `v.name, v.version, v.body, v.html, iso(v.published_at) AS "publishedAt"`;
/** $1 json [{ name, version }]: what the caller has; of these the texts are left out. */
const ACTIVE = named(
  'templates-active',
  `SELECT t.name, t.active_version AS version, CASE WHEN k.name IS NULL THEN v.body END AS body, CASE WHEN k.name IS NULL THEN v.html END AS html
   FROM template t
   JOIN template_version v ON v.name = t.name AND v.version = t.active_version
   LEFT JOIN json_to_recordset($1::json) AS k (name text, version int) ON k.name = t.name AND k.version = t.active_version`,
);
const LIST = named(
  'templates-list',
  `SELECT ${VERSION} FROM template t JOIN template_version v ON v.name = t.name AND v.version = t.active_version ORDER BY t.name`,
);
const GET = named(
  'template',
  `SELECT ${VERSION} FROM template t JOIN template_version v ON v.name = t.name AND v.version = t.active_version WHERE t.name = $1`,
);
const GET_VERSION = named(
  'template-version',
  `SELECT ${VERSION} FROM template_version v WHERE v.name = $1 AND v.version = $2`,
);
const VERSIONS = named(
  'template-versions',
  `SELECT v.version, iso(v.published_at) AS "publishedAt", v.version IS NOT DISTINCT FROM t.active_version AS "isActive"
   FROM template_version v JOIN template t ON t.name = v.name WHERE v.name = $1 ORDER BY v.version DESC`,
);
const OTHERS = named(
  'template-others',
  `SELECT count(*)::int AS count, coalesce(sum(octet_length(v.body::text) + octet_length(v.html::text)), 0)::int AS bytes
   FROM template t JOIN template_version v ON v.name = t.name AND v.version = t.active_version WHERE t.name <> $1`,
);
const LOCK_ALL = named('templates-lock', `SELECT pg_advisory_xact_lock(hashtextextended('templates', 0))`);
const PUBLISH = named(
  'template-publish',
  `WITH next AS (
     SELECT coalesce(max(v.version), 0) + 1 AS version FROM template_version v WHERE v.name = $1
   ), put AS (
     INSERT INTO template (name, active_version) SELECT $1, version FROM next
     ON CONFLICT (name) DO UPDATE SET active_version = excluded.active_version
   ), gone AS (
     DELETE FROM template_version v USING next WHERE v.name = $1 AND v.version < next.version - ${KEPT_VERSIONS}
   )
   INSERT INTO template_version AS v (name, version, body, html) SELECT $1, version, $2::json, $3::json FROM next
   RETURNING ${VERSION}`,
);
const ACTIVATE = named('template-activate', 'UPDATE template SET active_version = $2 WHERE name = $1');

/** A version of a template as it is stored. */
export interface StoredTemplate {
  readonly name: string;
  readonly version: number;
  readonly body: TemplateSource;
  /** By language, what was made of MJML when it was published. */
  readonly html: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly publishedAt: string;
}

/** One of the versions of a template. */
export interface TemplateVersion extends Pick<StoredTemplate, 'version' | 'publishedAt'> {
  readonly isActive: boolean;
}

/** The version of a template that is used; without `body` and `html` for one that the caller has. */
export type ActiveTemplate = Pick<StoredTemplate, 'name' | 'version'> &
  ({ readonly body: null } | Pick<StoredTemplate, 'body' | 'html'>);

/** The templates that were published. A version never changes: a trigger refuses it. */
@Injectable()
export class TemplateStore {
  constructor(private readonly database: Database) {}

  /** Returns the versions that are used, with the texts of those that are not among `known`. */
  active(known: readonly Pick<StoredTemplate, 'name' | 'version'>[]): Promise<ActiveTemplate[]> {
    return this.database.run('important', ACTIVE, [JSON.stringify(known)]);
  }

  /** Returns the versions that are used, by name. */
  list(): Promise<StoredTemplate[]> {
    return this.database.run('important', LIST, []);
  }

  /** Returns the version that is used, or the one that is asked for; undefined when there is none. */
  async get(name: string, version?: number): Promise<StoredTemplate | undefined> {
    if (version === undefined) return (await this.database.run<StoredTemplate>('important', GET, [name]))[0];
    return (await this.database.run<StoredTemplate>('important', GET_VERSION, [name, version]))[0];
  }

  /** Returns the versions of the template, the newest first. */
  versions(name: string): Promise<TemplateVersion[]> {
    return this.database.run('important', VERSIONS, [name]);
  }

  /** Lets one transaction change templates at a time. Returns the version that is used. */
  async lock(tx: Transaction, name: string): Promise<StoredTemplate | undefined> {
    await tx.run(LOCK_ALL, []);
    return (await tx.run<StoredTemplate>(GET, [name]))[0];
  }

  /** Returns how many other templates are used, and how large they are together. */
  async others(tx: Transaction, name: string): Promise<{ readonly count: number; readonly bytes: number }> {
    const [row] = await tx.run<{ count: number; bytes: number }>(OTHERS, [name]);
    if (!row) throw new Error('the statement returns one row');
    return row;
  }

  /** Stores a new version, and has it used from now on. */
  async publish(
    tx: Transaction,
    name: string,
    body: TemplateSource,
    html: StoredTemplate['html'],
  ): Promise<StoredTemplate> {
    const [row] = await tx.run<StoredTemplate>(PUBLISH, [name, JSON.stringify(body), JSON.stringify(html)]);
    if (!row) throw new Error('the statement returns one row');
    return row;
  }

  /** Has the version used from now on; null: none. */
  async activate(tx: Transaction, name: string, version: number | null): Promise<void> {
    await tx.run(ACTIVATE, [name, version]);
  }

  /** Returns the version within the transaction. */
  async getIn(tx: Transaction, name: string, version: number): Promise<StoredTemplate | undefined> {
    return (await tx.run<StoredTemplate>(GET_VERSION, [name, version]))[0];
  }
}
