import { Injectable } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { LinkStore, type ProcessorCustomer, type UserOfCustomer } from './link.store.js';

/** Removes links between processors' customers and users, and finds users by them; PlansService makes them. */
@Injectable()
export class LinksService {
  constructor(
    private readonly store: LinkStore,
    private readonly processors: ProcessorsService,
    private readonly audit: AuditService,
  ) {}

  /** The users who are this customer, by their ids. */
  findUsers({ processor, customerId }: ProcessorCustomer): Promise<UserOfCustomer[]> {
    return this.store.findUsers({
      processor,
      customerId: this.processors.canonicalCustomerId(processor, customerId),
    });
  }

  /** Removes the user's link to that processor. Throws Problem not_found when there is none. */
  remove(userId: string, processor: string, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, async (tx) => {
      const customerId = await this.store.remove(tx, userId, processor);
      if (customerId === undefined) throw new Problem('not_found', 'There is no such link.');
      const target = { kind: 'customer', id: `${processor}:${customerId}` };
      const act = { action: 'link.remove', target, userId, before: { customerId }, result: 'done' } as const;
      return { outcome: undefined, acts: [act] };
    });
  }
}
