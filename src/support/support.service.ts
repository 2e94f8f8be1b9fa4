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
    return this.audit.transaction('important', by, async (tx) => {
      const [sent] = await this.mailbox.append(tx, [{ ...TEST_EVENT, userId, target: deviceId, expiresAt }]);
      if (sent?.offset === undefined) throw new Error('a durable event has an offset');
      const outcome = { id: sent.id, offset: sent.offset };
      return { outcome, acts: [ofDevice('device.test', userId, deviceId, { eventId: sent.id })] };
    });
  }

  /** Ends the device's connection on whichever node has it. Throws Problem unavailable when it is not known which one that is. */
  async disconnect(userId: string, deviceId: string, by: AuditContext): Promise<void> {
    await this.audit.transaction('important', by, async () => ({
      outcome: undefined,
      acts: [ofDevice('device.disconnect', userId, deviceId)],
    }));
    const request = { userId, deviceId, reason: 'operator', at: Date.now() } as const;
    this.registry.disconnectHere(request);
    await this.router.disconnectElsewhere(request).catch(() => {
      throw new Problem('unavailable', 'It is not known which node the device is connected to.');
    });
  }
}

const ofDevice = (
  action: AuditedAct['action'],
  userId: string,
  deviceId: string,
  after?: AuditedAct['after'],
): AuditedAct => ({ action, target: { kind: 'device', id: deviceId }, userId, after, result: 'accepted' });
