import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EventsToEveryone } from '../mailbox/events/events-to-everyone.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Topic } from '../platform/events/topic.js';
import { Problem } from '../platform/http/problem.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { BroadcastLog } from './broadcast-log.js';
import { BroadcastStore } from './broadcast.store.js';

/** How late this node learns of a change when no message tells it. */
const EVERY_MS = 1_000;

/** A broadcast was published or withdrawn by this node; it is committed. */
export const broadcastsChanged = new Topic<undefined>('broadcasts.changed');

/** The log of this node is another one now. */
export const broadcastLogRead = new Topic<undefined>('broadcasts.log_read');

/**
 * Holds the log of broadcasts in force in memory. It is read again when this or another node says that it has changed; messages are hints, so
 * its head is looked at each second as well.
 */
@Injectable()
export class BroadcastLogWorker extends PeriodicWorker implements OnModuleInit, EventsToEveryone {
  private current: BroadcastLog | undefined;

  constructor(
    private readonly store: BroadcastStore,
    private readonly bus: EventBusService,
    metrics: MetricsService,
  ) {
    super({ log: 'broadcasts', everyMs: EVERY_MS, firstRun: 'at-boot' });
    metrics.gauge(
      'broadcasts_in_force',
      'Broadcasts that devices are sent when they connect; 100 at most.',
      'max',
      () => this.current?.after(undefined, Date.now()).length ?? 0,
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(broadcastsChanged, () => this.refresh());
  }

  /** The log as it was read last; undefined until PostgreSQL could be read once. */
  get latest(): BroadcastLog | undefined {
    return this.current;
  }

  /** Reads the log soon, if it has changed. */
  refresh(): void {
    this.runSoon();
  }

  /** What is in force for everyone, as JSON text. Throws Problem unavailable as long as that could not be read. */
  inForce(): string {
    if (!this.current) throw new Problem('unavailable', 'The broadcasts could not be read yet.');
    return this.current.encodedAt(Date.now());
  }

  protected async runOnce(): Promise<void> {
    const { epoch, number } = await this.store.readHead();
    const known = this.current?.head;
    if (known?.epoch === epoch && known.number === number) return;
    this.current = await this.store.readLog();
    this.bus.publish(broadcastLogRead, undefined);
  }
}
