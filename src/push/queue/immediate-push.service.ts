import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { PresenceStore } from '../../cluster/presence.store.js';
import { findEventType } from '../../mailbox/events/event-types.js';
import { type CommittedBatch, eventsPublished } from '../../mailbox/events/outgoing-event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { PushProvidersService } from '../providers/push-providers.service.js';
import { pushesQueued } from './push.js';
import { PushStore, type UndeliveredEvent } from './push.store.js';

/**
 * Queues the pushes of critical events at once for devices that are not connected, instead of after the time for receipts. That is
 * possible when the user has no device on another node. Presence is only a hint here: an event that it misses, or whose queueing fails, is
 * queued by PushSchedulerWorker some seconds later.
 */
@Injectable()
export class ImmediatePushService implements OnModuleInit {
  private readonly log = new Logger('fallback');
  private readonly waiting = new Batcher<UndeliveredEvent, undefined>({
    runBatch: async (events) => {
      await this.enqueue(events).catch((error: unknown) =>
        this.log.debug(`left to the scheduler: ${String(error)}`),
      );
      return events.map(() => undefined);
    },
    size: 100,
    concurrency: 1,
    capacity: 5_000,
  });

  constructor(
    private readonly nodes: NodeRegistryService,
    private readonly presence: PresenceStore,
    private readonly store: PushStore,
    private readonly bus: EventBusService,
    private readonly providers: PushProvidersService,
  ) {}

  /** Where no push can be sent, none is queued ahead of its time. */
  onModuleInit(): void {
    if (this.providers.canSend) this.bus.subscribe(eventsPublished, (batch) => this.add(batch));
  }

  private add({ events, handoff }: CommittedBatch): void {
    if (handoff?.tier !== 'critical') return;
    for (const { userId, event } of events) {
      const { tier, type, offset } = event.header;
      const mayPush = tier === 'critical' && findEventType(type)?.push !== false;
      if (mayPush && offset !== undefined) this.waiting.addAndForget([userId, offset]);
    }
  }

  private async enqueue(events: readonly UndeliveredEvent[]): Promise<void> {
    const users = [...new Set(events.map(([userId]) => userId))];
    // Without other nodes, this one knows every connected device: presence need not be read.
    const isOnlyNode = this.nodes.others?.size === 0;
    const nodes = isOnlyNode ? undefined : await this.presence.nodesOf(users);
    const connected = new Map(
      users.map((userId, n) => [userId, this.connectedDevices(userId, isOnlyNode ? [] : nodes?.[n])]),
    );
    const due = events.flatMap(([userId, offset]): UndeliveredEvent[] => {
      const devices = connected.get(userId);
      return devices ? [[userId, offset, devices]] : [];
    });
    if (due.length > 0 && (await this.store.enqueueNow(due)) > 0) this.bus.publish(pushesQueued, 'critical');
  }

  /** Returns the ids of the user's connected devices; undefined when this node does not know them all. */
  private connectedDevices(userId: string, nodeIds: readonly string[] | undefined): string[] | undefined {
    const { id, others } = this.nodes;
    // A node that was killed left its presence entries behind. It is not among the others any more.
    if (!nodeIds || !others || nodeIds.some((nodeId) => nodeId !== id && others.has(nodeId)))
      return undefined;
    return this.nodes.connectedDevices(userId);
  }
}
