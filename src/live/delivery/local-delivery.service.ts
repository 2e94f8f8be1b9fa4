import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ReceiptsService } from '../../delivery/receipts/receipts.service.js';
import type { OutgoingEvent } from '../../mailbox/events/outgoing-event.js';
import type { Position } from '../../mailbox/position.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Topic } from '../../platform/events/topic.js';
import { LoadMonitorWorker } from '../../platform/load/load-monitor.worker.js';
import { DeliveryMonitorService } from '../monitoring/delivery-monitor.service.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { EventFrame, type Frame, isDurableHeader } from '../connection/frame.js';
import { WriteScheduler } from './write-scheduler.js';

/**
 * Two commits of one user may come in the wrong order, a few milliseconds apart; after this long, the first one was
 * lost.
 */
const GAP_TIMEOUT_MS = 50;

/**
 * The connection got an event, but not the one before it, and nobody else will send that: it must be read from the
 * mailbox.
 */
export const gapFound = new Topic<Connection>('live.gap_found');

/** Writes events to the devices that are connected to this node. */
@Injectable()
export class LocalDeliveryService implements OnApplicationShutdown {
  private readonly log = new Logger('live');
  private readonly writes = new WriteScheduler((connection) => this.terminateStuck(connection));
  /** Connections with a gap that may still close by itself. */
  private readonly gaps = new Set<Connection>();
  private gapTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connections: ConnectionRegistryService,
    private readonly receipts: ReceiptsService,
    private readonly bus: EventBusService,
    private readonly monitor: DeliveryMonitorService,
    load: LoadMonitorWorker,
  ) {
    load.registerWriteQueue(() => this.writes.waiting);
  }

  /** Writes or queues each event for the devices of its user that are connected here. One that fails is disconnected, and can resume. */
  deliver(events: readonly OutgoingEvent[]): void {
    for (const { userId, event, exceptDeviceId, reportSent, againTo, trace } of events) {
      // Made for the first device, and not at all for a heartbeat of the only one.
      let frame: EventFrame | undefined;
      for (const connection of this.connections.of(userId)) {
        if (connection.deviceId === exceptDeviceId) continue;
        frame ??= new EventFrame(event, this.monitor, trace);
        if (againTo === undefined) this.deliverTo(connection, frame, reportSent);
        else if (againTo.includes(connection.deviceId)) this.deliverAgain(connection, frame);
      }
    }
  }

  private deliverTo(connection: Connection, frame: EventFrame, reportSent: boolean | undefined): void {
    try {
      this.enqueue(connection, frame);
      if (reportSent) this.recordSent(connection, frame);
    } catch (error) {
      this.endFailed(connection, error);
    }
  }

  private endFailed(connection: Connection, error: unknown): void {
    this.log.error(error, `device ${connection.deviceId} is disconnected: an event could not be written`);
    this.terminate(connection);
  }

  /** Not to a device that is still getting its history: the event is part of it. */
  private deliverAgain(connection: Connection, frame: EventFrame): void {
    if (connection.outbound.isLive) this.deliverUnordered(connection, [frame]);
  }

  /** Writes or queues events outside of the order of offsets. A connection for which that fails is ended; the device can resume. */
  deliverUnordered(connection: Connection, frames: readonly EventFrame[]): void {
    try {
      for (const frame of frames) {
        connection.transport?.encode(frame);
        connection.outbound.addUnordered(frame);
      }
      this.writes.schedule(connection);
    } catch (error) {
      this.endFailed(connection, error);
    }
  }

  /** Sends the response to a command with the device's next write. */
  respond(connection: Connection, response: Frame): void {
    connection.transport?.encode(response);
    connection.respond(response);
    this.writes.schedule(connection);
  }

  /** Sends a part of the device's history that others follow. */
  replay(connection: Connection, missed: readonly EventFrame[]): void {
    connection.outbound.replay(missed);
    this.writes.writeNow(connection);
  }

  /** Sends the rest of the device's history up to `head`, then the events that came meanwhile. Live events follow. */
  catchUp(connection: Connection, missed: readonly EventFrame[], head: Position): void {
    connection.outbound.replay(missed);
    connection.outbound.finishCatchUp(head);
    if (connection.outbound.hasGap) this.watchGap(connection);
    this.writes.writeNow(connection);
  }

  /** Writes what was held back while the device had too much to read, if it has read it. */
  resume(connection: Connection): void {
    if (connection.outbound.size > 0) this.writes.schedule(connection);
  }

  /** Devices to which something is to be written in one of the next slices. */
  get waitingDevices(): number {
    return this.writes.waiting;
  }

  /** Counts a device that is sent away because it does not read. */
  countSlowDevice(): void {
    this.monitor.countSlowDevice();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.gapTimer);
    this.writes.stop();
  }

  private enqueue(connection: Connection, frame: EventFrame): void {
    connection.transport?.encode(frame);
    connection.outbound.add(frame);
    if (connection.outbound.hasGap) this.watchGap(connection);
    if (connection.outbound.size === 0) return;
    if (frame.header.tier === 'critical') this.writes.writeNow(connection);
    else this.writes.schedule(connection);
  }

  private recordSent(connection: Connection, { header }: EventFrame): void {
    if (isDurableHeader(header) && connection.outbound.isLive)
      this.receipts.record(connection, header, 'sent');
  }

  private watchGap(connection: Connection): void {
    this.gaps.add(connection);
    this.gapTimer ??= setTimeout(() => {
      this.gapTimer = undefined;
      const found = [...this.gaps].filter(({ outbound }) => outbound.hasGap);
      this.gaps.clear();
      for (const connection of found) this.bus.publish(gapFound, connection);
    }, GAP_TIMEOUT_MS);
  }

  private terminateStuck(connection: Connection): void {
    this.countSlowDevice();
    this.log.warn(`device ${connection.deviceId} does not read; it is disconnected and can resume`);
    this.terminate(connection);
  }

  private terminate(connection: Connection): void {
    connection.close();
    connection.transport?.terminate();
  }
}
