import { Injectable } from '@nestjs/common';
import { NodeRegistryService } from '../cluster/node-registry.service.js';
import { NodeRouterService } from '../cluster/node-router.service.js';
import { DevicesService } from '../devices/devices.service.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import type { AuditContext, AuditedAct } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { Problem } from '../platform/http/problem.js';

/** Of a type that is the back office's to choose, since apps need not know it; with a text, so that a sleeping device shows it. */
const TEST_EVENT = {
  type: 'support.test',
  tier: 'important',
  key: 'support.test',
  data: { title: 'Test', body: 'This message was sent to test your device.' },
} as const;
const TEST_EVENT_MS = 5 * 60_000;

/** Helps with one device of a user. */
@Injectable()
export class SupportService {
  constructor(
    private readonly mailbox: MailboxService,
    private readonly devices: DevicesService,
    private readonly registry: NodeRegistryService,
    private readonly router: NodeRouterService,
    private readonly audit: AuditService,
  ) {}

  /** Returns the id and offset of the event once it is committed. Throws Problem unknown_device. */
  async sendTestEvent(
    userId: string,
    deviceId: string,
    by: AuditContext,
  ): Promise<{ id: string; offset: number }> {
    const [isRegistered] = await this.devices.areRegistered([{ userId, deviceId }]);
    if (!isRegistered) throw new Problem('unknown_device');
    const expiresAt = new Date(Date.now() + TEST_EVENT_MS);
    return this.audit.transaction(TEST_EVENT.tier, by, async (tx) => {
      const [sent] = await this.mailbox.append(tx, [{ ...TEST_EVENT, userId, target: deviceId, expiresAt }]);
      if (sent?.offset === undefined) throw new Error('a durable event has an offset');
      const { id, offset } = sent;
      const act = { ...actOn('device.test', userId, deviceId), after: { eventId: id } };
      return { outcome: { id, offset }, acts: [act] };
    });
  }

  /**
   * Ends the device's connection on whichever node has it. Throws Problem unavailable when it is not known which one that is. The entry of the
   * audit is written first: nothing can take the end of a connection back.
   */
  disconnect(userId: string, deviceId: string, by: AuditContext): Promise<void> {
    const request = { userId, deviceId, reason: 'operator' } as const;
    return this.audit.transaction('important', by, async (tx) => {
      await this.audit.record(tx, by, actOn('device.disconnect', userId, deviceId));
      this.registry.disconnectHere(request);
      await this.router.disconnectElsewhere(request).catch(() => {
        throw new Problem('unavailable', 'It is not known which node the device is connected to.');
      });
      return { outcome: undefined, acts: [] };
    });
  }
}

const actOn = (action: AuditedAct['action'], userId: string, deviceId: string): AuditedAct => ({
  action,
  target: { kind: 'device', id: deviceId },
  userId,
  result: 'done',
});
