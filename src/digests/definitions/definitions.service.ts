import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedFields } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import { DefinitionStore, type StoredDefinition } from './definition.store.js';
import type { DigestDefinition, NamedDigest } from './digest-definition.js';

/** Each is looked at every second by each worker. */
const MAX_DEFINITIONS = 50;

/** A digest as the back office sees it. */
export interface ListedDigest extends NamedDigest {
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** Defines digests for the back office. */
@Injectable()
export class DefinitionsService {
  constructor(
    private readonly store: DefinitionStore,
    private readonly audit: AuditService,
  ) {}

  /** Returns all, by their names. */
  async list(): Promise<ListedDigest[]> {
    return (await this.store.list()).map(toListed);
  }

  /** Throws Problem not_found. */
  async get(name: string): Promise<ListedDigest> {
    const found = await this.store.get(name);
    if (!found) throw notFound();
    return toListed(found);
  }

  /** Creates or replaces a digest. Throws Problem conflict when there are too many. */
  put(name: string, definition: DigestDefinition, by: AuditContext): Promise<ListedDigest> {
    return this.audit.transaction('important', by, async (tx) => {
      const { before, count } = await this.store.lock(tx, name);
      const act = { action: 'digest.put', target: { kind: 'digest', id: name } } as const;
      const after = definition as unknown as AuditedFields;
      if (before && isDeepStrictEqual(before.body, definition))
        return { outcome: toListed(before), acts: [{ ...act, before: after, after, result: 'unchanged' }] };
      if (!before && count >= MAX_DEFINITIONS)
        throw new Problem('conflict', `There may be ${MAX_DEFINITIONS} digests.`);
      const updatedAt = await this.store.save(tx, name, definition);
      const told = before && (before.body as unknown as AuditedFields);
      return {
        outcome: { name, ...definition, updatedAt },
        acts: [{ ...act, before: told, after, result: 'done' }],
      };
    });
  }

  /** Ends a digest. Throws Problem not_found. */
  remove(name: string, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, async (tx) => {
      const { before } = await this.store.lock(tx, name);
      if (!before) throw notFound();
      await this.store.remove(tx, name);
      const told = before.body as unknown as AuditedFields;
      const target = { kind: 'digest', id: name };
      return {
        outcome: undefined,
        acts: [{ action: 'digest.remove', target, before: told, result: 'done' }],
      };
    });
  }
}

const toListed = ({ name, body, updatedAt }: StoredDefinition): ListedDigest => ({
  name,
  ...body,
  updatedAt,
});

const notFound = () => new Problem('not_found', 'There is no such digest.');
