import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { HandlesDeviceCommand } from '../../devices/commands/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/commands/device-command.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import { positionWithout } from '../broadcasts/broadcast-frame.js';
import { Connection } from '../connection/connection.js';
import type { EventFrame } from '../connection/frame.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { DisconnectService } from '../maintenance/disconnect.service.js';
import { type SyncPayload, syncPayload } from './handshake.schema.js';
import { HistorySenderService, type SentPages } from './history-sender.service.js';
import { type History, HistoryService } from './history.service.js';

/** Pages of histories that one device may ask for (docs/CONTRACT.md, "From the device"). */
const SYNC_PAGES_PER_SECOND = 1;
const SYNC_PAGES_BURST = 30;
const MAX_SYNC_DEBT = 30;
/** How soon it is tried again to read what connections missed, when PostgreSQL was away. */
const RETRY_MS = 1_000;

/**
 * Sends a connected device its history: when it was admitted, when it asks for it with `sync`, and when it missed an
 * event.
 */
@Injectable()
@HandlesDeviceCommand('sync')
export class CatchUpService implements DeviceCommand, OnApplicationShutdown {
  private readonly log = new Logger('live');
  /** In pages, which is what a history costs: its first one is taken before it is read, the others and the broadcasts when they were written. */
  private readonly syncLimits = new WeakMap<Connection, TokenBucket>();
  /** Connections that may have missed something, which could not be read. */
  private readonly unread = new Set<Connection>();
  private retryTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly histories: HistoryService,
    private readonly sender: HistorySenderService,
    private readonly delivery: LocalDeliveryService,
    private readonly disconnects: DisconnectService,
  ) {}

  /**
   * Sends a device that was admitted `welcome`, then the history, then what was published meanwhile; live events follow. Of a large history only the
   * first page was written when this returns. Broadcasts cost nothing here, or all devices that are new to one would need a bucket.
   */
  sendHistory(connection: Connection, history: History): void {
    this.begin(connection, history, ({ history: pages }) => pages);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.retryTimer);
  }

  private begin(connection: Connection, history: History, costOf: (sent: SentPages) => number): void {
    if (connection.isClosed || !connection.transport) return;
    this.sender.welcome(connection, history);
    this.sender.send(connection, history).then(
      (sent) => this.charge(connection, costOf(sent)),
      (error: unknown) => this.giveUp(connection, error),
    );
  }

  /**
   * `sync`: what a reconnect from this position would send. Throws Problem rate_limited while an earlier one is running, and to
   * a device whose earlier ones cost too much. When its history cannot be read this throws why, and the device gets live events as before.
   */
  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const request = parse(syncPayload, payload);
    const connection = Connection.of(session);
    // It still gets an earlier history, or was sent away and gets nothing more.
    if (!connection.outbound.isLive)
      throw new Problem('rate_limited', 'The last sync is still under way.', { retryAfterMs: 500 });
    const limit = this.syncLimitOf(connection);
    if (!limit.take(monotonicNow()))
      throw new Problem('rate_limited', undefined, { retryAfterMs: limit.waitMs });
    await this.sync(connection, request);
    return {};
  }

  /** The first page was paid for before; most connections have no other, and so need no bucket. */
  private charge(connection: Connection, pages: number): void {
    if (pages > 1) this.syncLimitOf(connection).spend(pages - 1);
  }

  private syncLimitOf(connection: Connection): TokenBucket {
    const limit =
      this.syncLimits.get(connection) ??
      new TokenBucket(SYNC_PAGES_PER_SECOND, SYNC_PAGES_BURST, monotonicNow(), MAX_SYNC_DEBT);
    this.syncLimits.set(connection, limit);
    return limit;
  }

  private async sync(connection: Connection, { broadcast, ...position }: SyncPayload): Promise<void> {
    const { userId, deviceId, broadcastPosition } = connection;
    connection.outbound.startCatchUp();
    // The history has what waits to be written, and must not come after it: the client would take the rest for known.
    const dropped = connection.outbound.takeDurable();
    connection.broadcastPosition =
      broadcast === undefined
        ? positionWithout(dropped, broadcastPosition)
        : { epoch: position.epoch, number: broadcast };
    const { history } = await this.histories.read({ userId, deviceId, position }).catch((error: unknown) => {
      connection.broadcastPosition = broadcastPosition;
      this.goOn(connection, dropped);
      throw error;
    });
    try {
      this.begin(connection, history, (sent) => sent.history + sent.broadcasts);
    } catch (error) {
      this.disconnects.terminate(connection);
      throw error;
    }
  }

  /** Lets live events follow what the connection was sent before its catch-up began, and what waited then. */
  private goOn(connection: Connection, waiting: readonly EventFrame[]): void {
    const { position } = connection.outbound;
    if (position) this.delivery.catchUp(connection, waiting, position);
  }

  private readLater(connection: Connection): void {
    this.unread.add(connection);
    this.retryTimer ??= setTimeout(() => {
      this.retryTimer = undefined;
      const due = [...this.unread];
      this.unread.clear();
      for (const one of due) void this.fillGap(one);
    }, RETRY_MS);
  }

  /**
   * Reads from the mailbox what the connection missed, and begins to send it: a node crashed, or a message between nodes was lost. While
   * PostgreSQL is away it is tried again each second. Never throws.
   */
  async fillGap(connection: Connection): Promise<void> {
    const { userId, deviceId, outbound } = connection;
    const { position } = outbound;
    if (!position || !outbound.isLive || this.unread.has(connection)) return;
    outbound.startCatchUp();
    try {
      const { history } = await this.histories.read({ userId, deviceId, position });
      if (history.resume === 'replay') {
        // Not awaited: a device that reads slowly must not keep the others from being compared with their mailboxes.
        this.sender.send(connection, history).catch((error: unknown) => this.giveUp(connection, error));
        return;
      }
      // So much was published meanwhile that it needs the state anew, or the mailbox was restored.
      if (history.head.epoch === position.epoch) this.delivery.countSlowDevice();
      this.disconnects.terminate(connection);
    } catch (error) {
      if (!isOutage(error)) return this.giveUp(connection, error);
      this.readLater(connection);
      this.goOn(connection, []);
    }
  }

  /** Its live events are held back and cannot be released without the history. */
  private giveUp(connection: Connection, error: unknown): void {
    this.log.warn(`a history could not be read, the device must reconnect: ${String(error)}`);
    this.disconnects.terminate(connection);
  }
}
