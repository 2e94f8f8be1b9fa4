import { Injectable } from '@nestjs/common';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { AcknowledgementsService } from '../connection/acknowledgements.service.js';
import { readState, updateBackpressure } from '../connection/backpressure.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { BroadcastDeliveryService } from '../broadcasts/broadcast-delivery.service.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';

const EVERY_MS = 1_000;
/** How long before expiry a device is asked for a newer token, and how long after it that may still be on its way. */
const EXPIRY_NOTICE_MS = 60_000;
const EXPIRY_GRACE_MS = 2_000;
/** A recycled device reconnects within this time, spread; one that does not leave is terminated after the second. */
const RECYCLE_SPREAD_MS = 5_000;
const RECYCLE_TIMEOUT_MS = 15_000;
/** A slow device must first read what was written before, and only then gets the `goaway`. */
const SLOW_SPREAD_MS = 2_000;
const SLOW_TIMEOUT_MS = 10_000;

/** Does what is due on each connection as time passes: resends, token expiry, slow devices, recycling. */
@Injectable()
export class ConnectionTimersWorker extends PeriodicWorker {
  constructor(
    private readonly connections: ConnectionRegistryService,
    private readonly delivery: LocalDeliveryService,
    private readonly acknowledgements: AcknowledgementsService,
    private readonly broadcasts: BroadcastDeliveryService,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected runOnce(): void {
    const now = monotonicNow();
    const wallClock = Date.now();
    for (const connection of [...this.connections.all()]) {
      try {
        this.runOne(connection, now, wallClock);
      } catch (error) {
        // The timers of the connections after it must go on.
        this.log.error(error, `the timers of device ${connection.deviceId} failed`);
      }
    }
  }

  private runOne(connection: Connection, now: number, wallClock: number): void {
    this.acknowledgements.resendDue(connection, now);
    this.checkExpiry(connection, wallClock);
    this.checkBackpressure(connection, now);
    this.recycle(connection, now);
  }

  /** A token that was valid at the handshake must not keep a connection open for ever. Its expiry is a time of day. */
  private checkExpiry(connection: Connection, now: number): void {
    const { expiresAt, transport, outbound } = connection;
    if (now > expiresAt + EXPIRY_GRACE_MS) transport?.disconnect();
    else if (outbound.isCatchingUp)
      return; // `welcome` is its first frame
    else if (now > expiresAt - EXPIRY_NOTICE_MS && !connection.isExpiryAnnounced) {
      connection.isExpiryAnnounced = true;
      transport?.emit('token.expiring', { expiresAt: new Date(expiresAt).toISOString() });
    }
  }

  /** A device that stays far behind is up to date sooner if it resumes from the mailbox. */
  private checkBackpressure(connection: Connection, now: number): void {
    const { transport, backpressure, acknowledgedCount: acknowledged, outbound } = connection;
    if (!transport) return;
    this.delivery.resume(connection);
    this.broadcasts.resume(connection);
    if (transport.bufferedBytes === 0 && !backpressure) return;
    const { bufferedBytes, sentBytes } = transport;
    const sample = { bufferedBytes, sentBytes, acknowledged, now };
    connection.backpressure = updateBackpressure(backpressure, sample);
    const state = readState(connection.backpressure, now);
    if (state === 'stuck') {
      if (connection.leaveBy === undefined) this.delivery.countSlowDevice();
      transport.terminate();
      return;
    }
    // One that is catching up resumes from the mailbox as it is: another connection would begin again.
    if (state === 'slow' && connection.leaveBy === undefined && !outbound.isCatchingUp) {
      this.delivery.countSlowDevice();
      connection.sendGoaway('slow', randomUpTo(SLOW_SPREAD_MS), now + SLOW_TIMEOUT_MS);
    }
  }

  private recycle(connection: Connection, now: number): void {
    const { recycleAt, leaveBy, transport } = connection;
    if (leaveBy === undefined && now > recycleAt)
      connection.sendGoaway('recycle', randomUpTo(RECYCLE_SPREAD_MS), now + RECYCLE_TIMEOUT_MS);
    else if (leaveBy !== undefined && now > leaveBy) transport?.terminate();
  }
}

const randomUpTo = (ms: number): number => Math.random() * ms;
