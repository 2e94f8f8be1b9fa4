import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Envelope } from '../../mailbox/events/event.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import type { Position } from '../../mailbox/position.js';
import type { State } from '../../mailbox/state/state.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { Connection } from '../connection/connection.js';
import { BroadcastDeliveryService } from '../broadcasts/broadcast-delivery.service.js';
import { EventFrame, nextAckId } from '../connection/frame.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { toPages } from './history-pages.js';
import { type History, HistoryService } from './history.service.js';

/** How often it is checked whether a device has taken a page: only devices with a large history are waited for. */
const CHECK_EVERY_MS = 50;

/**
 * Writes histories page by page, each when the device has taken the one before. A history that is written at once would fill
 * buffers that a slow line does not drain for minutes: pings would be answered too late, and the connection would end before
 * the history, again and again.
 */
@Injectable()
export class HistorySenderService {
  constructor(
    private readonly histories: HistoryService,
    private readonly delivery: LocalDeliveryService,
    private readonly broadcasts: BroadcastDeliveryService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Writes `welcome`, which says what follows it. */
  welcome({ transport, userId, deviceId, expiresAt }: Connection, { head, resume }: History): void {
    transport?.emit('welcome', {
      userId,
      deviceId,
      epoch: head.epoch,
      offset: head.offset,
      broadcast: this.broadcasts.number,
      resume,
      heartbeatSeconds: this.config.HEARTBEAT_SECONDS,
      tokenExpiresAt: new Date(expiresAt).toISOString(),
      serverTime: new Date().toISOString(),
    });
  }

  /**
   * Writes the first page before it returns, then the others, then lets live events follow, and what is said to everyone. Resolves with how much that
   * was when the device is up to date, or takes no more. Throws what the databases throw, and when the mailbox has another epoch by now.
   */
  async send(connection: Connection, history: History): Promise<SentPages> {
    const pages = await (history.resume === 'snapshot'
      ? this.sendSnapshot(connection, history.state, history.head)
      : this.sendReplay(connection, history.missed, history.head));
    return { history: pages, broadcasts: this.broadcasts.deliver(connection) };
  }

  private async sendSnapshot(connection: Connection, first: State, head: Position): Promise<number> {
    let page: SnapshotPage = first;
    let count = 1;
    this.writePage(connection, page);
    for (; page.hasMore; count += 1) {
      if (!(await this.isTaken(connection))) return count;
      page = await this.readPage(connection.userId, page.position, head);
      this.writePage(connection, page);
    }
    this.delivery.catchUp(connection, [], head);
    return count;
  }

  private async sendReplay(
    connection: Connection,
    missed: readonly Envelope[],
    head: Position,
  ): Promise<number> {
    const pages = toPages(missed.map((envelope) => new EventFrame(EncodedEvent.of(envelope))));
    const last = pages.pop() ?? [];
    for (const page of pages) {
      this.delivery.replay(connection, page);
      if (!(await this.isTaken(connection))) return pages.length;
    }
    this.delivery.catchUp(connection, last, head);
    return pages.length + 1;
  }

  /** Only a page that others follow asks for an acknowledgement. */
  private writePage(connection: Connection, page: SnapshotPage): void {
    connection.pageAckId = page.hasMore ? nextAckId() : undefined;
    connection.transport?.emit('snapshot', page, connection.pageAckId);
  }

  /** What was published after `head` was read is sent as live events, and not twice. */
  private async readPage(userId: string, position: Position, head: Position): Promise<SnapshotPage> {
    const read = await this.histories.readPage(userId, position);
    if (read.head.epoch !== head.epoch) throw new Error('the mailbox has another epoch now');
    const entries = read.entries.filter(({ offset }) => offset <= head.offset);
    const last = entries.at(-1)?.offset ?? head.offset;
    const hasMore = read.hasMore && entries.length === read.entries.length && last < head.offset;
    return { position: hasMore ? { ...head, offset: last } : head, hasMore, entries };
  }

  /**
   * Resolves with true when the device has taken what was written to it: it acknowledged everything, or, if it acknowledges
   * nothing in time, the network did. With false when it takes no more. A device that does not read is terminated
   * (backpressure.ts), so this ends.
   */
  private async isTaken(connection: Connection): Promise<boolean> {
    const startedAt = monotonicNow();
    const ackTimeoutMs = this.config.ACK_TIMEOUT_SECONDS * 1_000;
    while (connection.outbound.isCatchingUp && connection.transport) {
      const { transport } = connection;
      const isAckDue = transport.acknowledges && monotonicNow() - startedAt < ackTimeoutMs;
      if (transport.bufferedBytes === 0 && (!isAckDue || connection.hasAcknowledgedAll)) return true;
      await pause(CHECK_EVERY_MS, undefined, { ref: false });
    }
    return false;
  }
}

/** How many pages a device was sent. */
export interface SentPages {
  /** One at least. */
  readonly history: number;
  readonly broadcasts: number;
}

/** The first page of a snapshot is a State; the others have only this. */
type SnapshotPage = Pick<State, 'position' | 'hasMore' | 'entries'>;
