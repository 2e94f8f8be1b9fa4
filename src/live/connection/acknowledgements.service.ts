import { Inject, Injectable } from '@nestjs/common';
import { BroadcastLogWorker } from '../../broadcasts/broadcast-log.worker.js';
import { ReceiptsService } from '../../delivery/receipts/receipts.service.js';
import { findEventType } from '../../mailbox/events/event-types.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { BroadcastFrame } from '../broadcasts/broadcast-frame.js';
import type { Connection } from './connection.js';
import { type EventFrame, isDurableHeader } from './frame.js';

/** A device has this many times longer to apply an event than to acknowledge it (docs/CONTRACT.md, "From the server"). */
const APPLY_FACTOR = 6;

/** Turns devices' acknowledgements into receipts, and sends again what they did not acknowledge in time. */
@Injectable()
export class AcknowledgementsService {
  private readonly ackTimeoutMs: number;

  constructor(
    private readonly receipts: ReceiptsService,
    private readonly logs: BroadcastLogWorker,
    @Inject(CONFIG) { ACK_TIMEOUT_SECONDS }: Config,
  ) {
    this.ackTimeoutMs = ACK_TIMEOUT_SECONDS * 1_000;
  }

  /** The device acknowledged an event or a page. Returns false if no such acknowledgement was to be expected. */
  acknowledge(connection: Connection, ackId: number): boolean {
    if (connection.pageAckId === ackId) {
      connection.pageAckId = undefined;
      connection.acknowledgedCount += 1;
      return true;
    }
    const { acks } = connection;
    const frame = acks?.acknowledge(ackId);
    if (!acks || !frame) return acks?.acceptLateAck() ?? false;
    connection.acknowledgedCount += 1;
    const { header } = frame;
    // The event of another target device only moved this one's position.
    if (header.target === undefined || header.target === connection.deviceId) {
      frame.observer?.acknowledged(frame, connection);
      if (isDurableHeader(header)) this.receipts.record(connection, header, 'received');
      if (findEventType(header.type)?.mustBeApplied) acks.expectApplied(frame, monotonicNow());
    }
    connection.releaseAcks();
    return true;
  }

  /**
   * Sends each overdue event once more, with the receipt `sent`; `now` is monotonic. One that stays unacknowledged waits for the next
   * connection.
   */
  resendDue(connection: Connection, now: number): void {
    if (connection.unacknowledged > 0) this.resendUnacknowledged(connection, now);
    connection.resendUnapplied(APPLY_FACTOR * this.ackTimeoutMs, now);
  }

  /** What expired meanwhile is not sent again, nor a broadcast that was withdrawn or superseded. */
  private readonly isInForce = (frame: EventFrame): boolean => {
    const now = Date.now();
    if (frame.isExpired(now)) return false;
    return (
      !(frame instanceof BroadcastFrame) || (this.logs.latest?.isInForce(frame.broadcast.number, now) ?? true)
    );
  };

  private resendUnacknowledged(connection: Connection, now: number): void {
    const { transport, acks } = connection;
    // While the first copy is still in the socket's buffer, a second one would only make a slow device slower.
    if (!transport || !acks || transport.bufferedBytes > 0) return;
    for (const { header } of acks.resendDue(transport, this.ackTimeoutMs, now, this.isInForce)) {
      if (isDurableHeader(header)) this.receipts.record(connection, header, 'sent');
    }
  }
}
