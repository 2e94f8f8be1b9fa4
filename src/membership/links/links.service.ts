import { Injectable } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import { LinkStore } from './link.store.js';

/** Removes links between processors' customers and users. */
@Injectable()
export class LinksService {
  constructor(
    private readonly links: LinkStore,
    private readonly audit: AuditService,
  ) {}

  /** Throws Problem not_found. */
  async remove(userId: string, processor: string, by: AuditContext): Promise<void> {
    await this.audit.transaction('important', by, async (tx) => {
      const customerId = await this.links.remove(tx, userId, processor);
      if (customerId === undefined) throw new Problem('not_found', 'There is no such link.');
      const target = { kind: 'customer', id: `${processor}:${customerId}` };
      const act = { action: 'link.remove', target, userId, before: { customerId }, result: 'done' } as const;
      return { outcome: undefined, acts: [act] };
    });
  }
}
