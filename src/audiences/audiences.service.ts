import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { pageOf } from '../platform/http/cursor.schema.js';
import { Problem } from '../platform/http/problem.js';
import type { StoredAudience } from './audience.js';
import type { AudiencesQuery } from './audience.schema.js';
import { AudienceStore } from './audience.store.js';
import type { AudienceRule } from './rule/audience-rule.js';
import { AudienceSliceStore } from './slices/audience-slice.store.js';
import { estimateOf } from './slices/estimate.js';

const MAX_AUDIENCES = 1_000;

/** Defines audiences for the back office, and says how large they are. */
@Injectable()
export class AudiencesService {
  constructor(
    private readonly store: AudienceStore,
    private readonly slices: AudienceSliceStore,
    private readonly audit: AuditService,
  ) {}

  /** Returns a page of them, by their names. */
  async list({ after, limit }: AudiencesQuery) {
    const rows = await this.store.list(after?.[0] ?? '', limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ name }) => [name]);
    return { audiences: page.map(toListed), ...next };
  }

  /** Throws Problem not_found. */
  async get(name: string) {
    return toListed(await this.find(name));
  }

  /**
   * Creates or replaces an audience. Throws Problem conflict when there are too many, when one of this name is still being removed, or when a list
   * would become a rule or the reverse.
   */
  put(name: string, rule: AudienceRule | undefined, by: AuditContext) {
    return this.audit.transaction('important', by, async (tx) => {
      const count = await this.store.lockAll(tx);
      const before = await this.store.lock(tx, name);
      const act = { action: 'audience.put', target: { kind: 'audience', id: name } } as const;
      const after = { rule: rule ?? null };
      if (before?.isRemoved)
        throw new Problem('conflict', 'An audience of this name is still being removed.');
      if (before && (before.rule === null) !== (rule === undefined))
        throw new Problem('conflict', 'A list does not become a rule, nor the reverse: take another name.');
      if (before && isDeepStrictEqual(before.rule, after.rule))
        return { outcome: toListed(before), acts: [{ ...act, before: after, after, result: 'unchanged' }] };
      if (!before && count >= MAX_AUDIENCES)
        throw new Problem('conflict', `There may be ${MAX_AUDIENCES} audiences.`);
      const stored = await this.store.put(tx, name, after.rule);
      const done: AuditedAct = { ...act, before: before && { rule: before.rule }, after, result: 'done' };
      return { outcome: toListed(stored), acts: [done] };
    });
  }

  /** Ends an audience; its members are removed after that. Throws Problem not_found. */
  remove(name: string, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, name);
      if (!before || before.isRemoved) throw noAudience();
      await this.store.remove(tx, name);
      const { rule, members } = before;
      const target = { kind: 'audience', id: name };
      return {
        outcome: undefined,
        acts: [{ action: 'audience.remove', target, before: { rule, members }, result: 'done' }],
      };
    });
  }

  /** Returns how large the audience is: of a list as counted when it was uploaded, of a rule by a sample. Throws Problem not_found. */
  async estimate(name: string) {
    const audience = await this.find(name);
    if (!audience.rule) return { name, size: audience.members, margin: 0, isExact: true, sampled: 0 };
    const { members, step } = await this.slices.sample({ audience, without: [] });
    const weights = members.map(({ weight }) => weight);
    return { name, ...estimateOf(weights, step), sampled: members.length };
  }

  private async find(name: string): Promise<StoredAudience> {
    const [found] = await this.store.named([name]);
    if (!found) throw noAudience();
    return found;
  }
}

/** That there is no such audience. */
export const noAudience = () => new Problem('not_found', 'There is no such audience.');

const toListed = ({ name, rule, members, updatedAt }: StoredAudience) => ({
  name,
  kind: rule ? 'rule' : 'list',
  rule,
  members: rule ? null : members,
  updatedAt,
});
