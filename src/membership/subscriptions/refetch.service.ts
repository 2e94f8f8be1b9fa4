import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedFields, AuditResult } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { ReconciliationService } from './reconciliation.service.js';
import type { RefetchedSubscription } from './subscriptions.schema.js';

/** Asks the processors for one user's subscriptions because a person wants to know. */
@Injectable()
export class RefetchService {
  constructor(
    private readonly reconciliation: ReconciliationService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Asks for each of them, and repairs what differs. Each is a transaction of its own, after a call to its processor: so the audit tells of
   * the beginning before anything is repaired, and in a second entry what each came to.
   */
  async refetch(userId: string, by: AuditContext): Promise<RefetchedSubscription[]> {
    await this.tell(userId, by, 'accepted');
    const subscriptions = await this.reconciliation.reconcileUser(userId);
    await this.tell(userId, by, 'done', { subscriptions });
    return subscriptions;
  }

  private tell(userId: string, by: AuditContext, result: AuditResult, after?: AuditedFields): Promise<void> {
    const act = { action: 'subscriptions.refetch', target: { kind: 'user', id: userId }, userId } as const;
    return this.audit.transaction('important', by, () =>
      Promise.resolve({ outcome: undefined, acts: [{ ...act, result, after }] }),
    );
  }
}
