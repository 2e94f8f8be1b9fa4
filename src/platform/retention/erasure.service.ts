import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct, AuditResult } from '../audit/audit-entry.js';
import { USER_ERASED } from '../audit/audit.erasure.js';
import { AuditService } from '../audit/audit.service.js';
import { RevocationsService } from '../auth/revocations/revocations.service.js';
import { EventBusService } from '../events/event-bus.service.js';
import { ErasureStore } from './erasure.store.js';
import { userErased, userErasing } from './user-erasure.js';

/** By then every node has read the revocation (docs/CONTRACT.md, "HTTP"), and closed the user's connections. */
const REVOKED_EVERYWHERE_MS = 2_000;

/** Erases a person everywhere. */
@Injectable()
export class ErasureService {
  constructor(
    private readonly revocations: RevocationsService,
    private readonly bus: EventBusService,
    private readonly audit: AuditService,
    private readonly store: ErasureStore,
  ) {}

  /**
   * Refuses the user's tokens, which closes their connections on every node; then stops their streams, at the edge too; then erases
   * their rows. In this order, since a device that is still connected would write new ones. What has connected meanwhile, with a new token, is ended in
   * the end. The audit tells of the beginning and of the end. Resolves after some two seconds.
   */
  async erase(userId: string, by: AuditContext): Promise<void> {
    await this.revocations.revoke({ userId }, by, erasureOf(userId, 'accepted'));
    await pause(REVOKED_EVERYWHERE_MS);
    await this.bus.publishAndWait(userErasing, { userId });
    await this.store.erase(userId, (tx) => this.audit.record(tx, by, erasureOf(userId, 'done')));
    await this.bus.publishAndWait(userErased, { userId });
  }
}

const erasureOf = (userId: string, result: AuditResult): AuditedAct => ({
  action: USER_ERASED,
  target: { kind: 'user', id: userId },
  userId,
  result,
});
