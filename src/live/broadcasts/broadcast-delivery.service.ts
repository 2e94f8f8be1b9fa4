import { setImmediate as nextIteration } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Broadcast } from '../../broadcasts/broadcast.js';
import { broadcastLogRead, BroadcastLogWorker } from '../../broadcasts/broadcast-log.worker.js';
import { BroadcastTallyWorker } from '../../broadcasts/receipts/broadcast-tally.worker.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { bulkQueue } from '../../platform/scheduling/yielding-queue.js';
import { toPages } from '../admission/history-pages.js';
import { SLOW_BYTES } from '../connection/backpressure.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import type { Connection } from '../connection/connection.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { BroadcastFrame } from './broadcast-frame.js';

/** Connections that are looked at without yielding to the event loop: some 0.3 ms of work. One slice waits at a time, so other bulk work goes on too. */
const SLICE_SIZE = 128;
/**
 * While more devices wait to be written to, no more are looked at: important events and responses wait in the same queue, and a long one is taken for
 * overload (MAX_WRITES_WAITING in platform/http/body).
 */
const MAX_WAITING_DEVICES = 256;

/**
 * Sends the devices of this node what is said to everyone. Each connection has a position in the log, and is sent what comes after it: when its
 * history was written, when the log has changed, and when it has read enough of what was sent before.
 */
@Injectable()
export class BroadcastDeliveryService implements OnModuleInit, OnApplicationShutdown {
  private readonly log = new Logger('live');
  private readonly frames = new WeakMap<Broadcast, BroadcastFrame>();
  private isWalkDue = false;
  private isWalking = false;
  private isStopped = false;

  constructor(
    private readonly logs: BroadcastLogWorker,
    private readonly connections: ConnectionRegistryService,
    private readonly delivery: LocalDeliveryService,
    private readonly tally: BroadcastTallyWorker,
    private readonly bus: EventBusService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(broadcastLogRead, () => this.deliverToAll());
  }

  onApplicationShutdown(): void {
    this.isStopped = true;
  }

  /** The number up to which this node has read the log. */
  get number(): number {
    return this.logs.latest?.head.number ?? 0;
  }

  /**
   * Sends the device what comes after its position; later, if it gets its history or has not read what was sent before. Returns how many pages of a
   * history that is. Never throws.
   */
  deliver(connection: Connection): number {
    const { latest: log } = this.logs;
    if (!log || connection.broadcastPosition === log.head || !hasRoom(connection)) return 0;
    const due = log.after(connection.broadcastPosition, Date.now());
    connection.broadcastPosition = log.headFor(connection.broadcastPosition);
    if (due.length === 0) return 0;
    const frames = due.map((one) => this.frameOf(one, log.head.epoch));
    this.delivery.deliverUnordered(connection, frames);
    return toPages(frames).length;
  }

  /** The same once the device has read more; while all are looked at, its turn comes by itself. */
  resume(connection: Connection): void {
    if (!this.isWalking) this.deliver(connection);
  }

  /** In slices, so that no critical event waits for it. A change meanwhile has all looked at once more. */
  private async deliverToAll(): Promise<void> {
    this.isWalkDue = true;
    if (this.isWalking) return;
    this.isWalking = true;
    try {
      while (this.isWalkDue && !this.isStopped) {
        this.isWalkDue = false;
        await this.walk();
      }
    } catch (error) {
      this.log.error(error, 'broadcasts are sent with the next change, or within a second');
    } finally {
      this.isWalking = false;
    }
  }

  private async walk(): Promise<void> {
    const all = [...this.connections.all()];
    for (let start = 0; start < all.length && !this.isStopped; start += SLICE_SIZE) {
      await this.untilWritten();
      await bulkQueue.run(() => {
        for (const connection of all.slice(start, start + SLICE_SIZE)) this.deliver(connection);
      });
    }
  }

  /** Each iteration of the event loop writes a slice of what waits, to devices that do not read as well, so this ends. */
  private async untilWritten(): Promise<void> {
    while (this.delivery.waitingDevices > MAX_WAITING_DEVICES && !this.isStopped) await nextIteration();
  }

  private frameOf(broadcast: Broadcast, epoch: string): BroadcastFrame {
    const known = this.frames.get(broadcast);
    if (known) return known;
    const frame = new BroadcastFrame(broadcast, epoch, {
      written: (_, { userId }) => this.tally.count(broadcast, userId, 'sent'),
      acknowledged: (_, { userId }) => this.tally.count(broadcast, userId, 'received'),
    });
    this.frames.set(broadcast, frame);
    return frame;
  }
}

/** A device that reads slowly is not sent what it can get later: its position stays. */
const hasRoom = ({ transport, outbound }: Connection): boolean =>
  outbound.isLive && transport !== undefined && transport.bufferedBytes + outbound.waitingBytes <= SLOW_BYTES;
