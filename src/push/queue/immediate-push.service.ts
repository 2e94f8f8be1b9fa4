import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type CommittedBatch, eventsPublished } from '../../mailbox/events/outgoing-event.js';
import { findEventType } from '../../mailbox/events/event-types.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { canPush } from '../../platform/config/push-settings.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { pushesQueued } from './push.js';
import { type EventPlace, PushStore } from './push.store.js';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { PresenceStore } from '../../cluster/presence.store.js';

/**
 * A critical event need not wait for the receipts of devices that sleep: their pushes are queued at once. That is known when the user
 * has no device on another node. Presence is only a hint here; what it misses, or what fails, the clock does some seconds later.
 */
@Injectable()
export class ImmediatePushService implements OnModuleInit {
  private readonly log = new Logger('fallback');
  private readonly waiting = new Batcher<EventPlace, undefined>({
    runBatch: async (places) => {
      await this.queue(places).catch((error: unknown) =>
        this.log.debug(`left to the clock: ${String(error)}`),
      );
      return places.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    capacity: 5_000,
  });

  constructor(
    private readonly nodes: NodeRegistryService,
    private readonly presence: PresenceStore,
    private readonly store: PushStore,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Where nobody can send a push, none is queued ahead of its time. */
  onModuleInit(): void {
    if (canPush(this.config)) this.bus.subscribe(eventsPublished, (batch) => this.take(batch));
  }

  private take({ events: announcements, handoff }: CommittedBatch): void {
    if (handoff?.tier !== 'critical') return;
    for (const { userId, event } of announcements) {
      const { tier, type, offset } = event.header;
      const mayPush = tier === 'critical' && findEventType(type)?.push !== false;
      if (mayPush && offset !== undefined) this.waiting.addAndForget([userId, offset]);
    }
  }

  private async queue(places: readonly EventPlace[]): Promise<void> {
    const users = [...new Set(places.map(([userId]) => userId))];
    // Alone, this node knows: nobody need be asked.
    const alone = this.nodes.others?.size === 0;
    const nodes = alone ? undefined : await this.presence.nodesOf(users);
    const awake = new Map(users.map((userId, n) => [userId, this.awake(userId, alone ? [] : nodes?.[n])]));
    const due = places.flatMap(([userId, offset]): EventPlace[] => {
      const devices = awake.get(userId);
      return devices ? [[userId, offset, devices]] : [];
    });
    if (due.length > 0 && (await this.store.enqueueNow(due)) > 0) this.bus.publish(pushesQueued, 'critical');
  }

  /** Which devices of the user are awake; undefined when this node does not know. */
  private awake(userId: string, nodeIds: readonly string[] | undefined): string[] | undefined {
    const { id, others } = this.nodes;
    // A node that was killed left its entries behind: it is not among the others any more.
    if (!nodeIds || !others || nodeIds.some((nodeId) => nodeId !== id && others.has(nodeId)))
      return undefined;
    return this.nodes.connectedDevices(userId);
  }
}
