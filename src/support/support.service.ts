import { Injectable } from '@nestjs/common';
import { NodeRegistryService } from '../cluster/node-registry.service.js';
import { NodeRouterService } from '../cluster/node-router.service.js';
import { PublishService } from '../mailbox/events/publish.service.js';
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
    private readonly publishing: PublishService,
    private readonly registry: NodeRegistryService,
    private readonly router: NodeRouterService,
  ) {}

  /** Returns the id and offset of the event once it is committed. Throws Problem unknown_device. */
  async sendTestEvent(userId: string, deviceId: string): Promise<{ id: string; offset: number }> {
    const expiresAt = new Date(Date.now() + TEST_EVENT_MS).toISOString();
    const event = { ...TEST_EVENT, userId, deviceId, expiresAt };
    const [sent] = await this.publishing.publish([event], { reportSent: false, call: undefined });
    if (sent?.offset === undefined) throw new Error('a durable event has an offset');
    return { id: sent.id, offset: sent.offset };
  }

  /** Ends the device's connection on whichever node has it. Throws Problem unavailable when it is not known which one that is. */
  async disconnect(userId: string, deviceId: string): Promise<void> {
    const request = { userId, deviceId, reason: 'operator', at: Date.now() } as const;
    this.registry.disconnectHere(request);
    await this.router.disconnectElsewhere(request).catch(() => {
      throw new Problem('unavailable', 'It is not known which node the device is connected to.');
    });
  }
}
