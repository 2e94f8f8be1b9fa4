import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { findEventType } from '../../mailbox/events/event-types.js';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import { FallbackStore } from './fallback.store.js';
import type { Fallback, NewFallback } from './fallbacks.schema.js';

const MAX_FALLBACKS = 500;

/** Says for which types of events a text or mail follows a push that nobody confirmed. */
@Injectable()
export class FallbacksService {
  constructor(
    private readonly store: FallbackStore,
    private readonly audit: AuditService,
  ) {}

  /** Returns all, by type. */
  list(): Promise<Fallback[]> {
    return this.store.list();
  }

  /** Creates or replaces one. Throws Problem invalid_request for a type that is never pushed, or conflict when there are too many. */
  put(type: string, fallback: NewFallback, by: AuditContext): Promise<Fallback> {
    if (findEventType(type)?.push === false)
      throw new Problem('invalid_request', `type: events of the type ${type} are never pushed`);
    return this.audit.transaction('important', by, async (tx) => {
      const { before, others } = await this.store.lock(tx, type);
      const told = before && toldOf(before);
      if (before && isDeepStrictEqual(told, toldOf(fallback)))
        return {
          outcome: before,
          acts: [{ ...actOn('fallback.put', type), before: told, after: told, result: 'unchanged' }],
        };
      if (others >= MAX_FALLBACKS) throw new Problem('conflict', `There may be ${MAX_FALLBACKS} fallbacks.`);
      const outcome = await this.store.put(tx, type, fallback);
      const act = {
        ...actOn('fallback.put', type),
        before: told,
        after: toldOf(fallback),
        result: 'done',
      } as const;
      return { outcome, acts: [act] };
    });
  }

  /** Removes one; what is queued by then still goes out. Throws Problem not_found. */
  remove(type: string, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, async (tx) => {
      const { before } = await this.store.lock(tx, type);
      if (!before) throw new Problem('not_found', 'There is no fallback for events of this type.');
      await this.store.remove(tx, type);
      const act = { ...actOn('fallback.remove', type), before: toldOf(before), result: 'done' } as const;
      return { outcome: undefined, acts: [act] };
    });
  }
}

const toldOf = ({ channels, afterSeconds }: NewFallback) => ({ channels, afterSeconds });
const actOn = (action: 'fallback.put' | 'fallback.remove', type: string) => ({
  action,
  target: { kind: 'event type', id: type },
});
