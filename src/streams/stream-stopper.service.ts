import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { builtInEvent } from '../mailbox/events/event.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import type { Transaction } from '../platform/postgres/database.js';
import { EdgeChannelStore } from './edges/edge-channel.store.js';
import { type EdgeNotice, type EntitlementChanged, edgeNotice } from './edges/edge-notice.js';
import { EdgeNoticeStore } from './edges/edge-notice.store.js';
import { STOP_EXPIRY_HOURS, type StopReason } from './stream.js';
import { type AffectedStream, type StopSelection, StreamStore } from './stream.store.js';

/** Which streams to stop and why, and what else the edge nodes must learn. */
export interface StopRequest extends StopSelection {
  /** Sent to the edge nodes that carry a stream of the user; with `everyone`, to all that are connected. */
  readonly changed?: (EntitlementChanged & { readonly everyone: boolean }) | undefined;
}

/**
 * Stops streams within a caller's transaction: the rows, the events for the devices and the notices for the edge nodes
 * are one commit. After the commit the notices are sent at once. StopTriggersService decides when.
 */
@Injectable()
export class StreamStopperService {
  private readonly stopped: Counter<'reason'>;

  constructor(
    private readonly streams: StreamStore,
    private readonly notices: EdgeNoticeStore,
    private readonly mailbox: MailboxService,
    private readonly channel: EdgeChannelStore,
    metrics: MetricsService,
  ) {
    this.stopped = metrics.counter('streams_stopped_total', 'Streams that Usher stopped.', ['reason']);
  }

  /** `tx` must hold the user's lock. Returns the ids of the streams that were stopped. */
  async stop(tx: Transaction, request: StopRequest): Promise<string[]> {
    const { userId, reason, changed } = request;
    const affected = await this.streams.stop(tx, request);
    const stopped = affected.filter((stream) => stream.stopped);
    // Each has a key of its own, so without an end they would stay for ever.
    const expiresAt = new Date(Date.now() + STOP_EXPIRY_HOURS * 3_600_000);
    await this.mailbox.append(
      tx,
      stopped.map(({ streamId, deviceId }) =>
        builtInEvent('stream.stop', { userId, target: deviceId, expiresAt, data: { streamId, reason } }),
      ),
    );
    const notices = [
      ...stopped.map((stream) => stopNotice(userId, reason, stream)),
      ...(changed ? changeNotices(affected, changed) : []),
    ];
    await this.notices.add(tx, notices);
    tx.afterCommit(() => {
      this.stopped.inc({ reason }, stopped.length);
      const everyone = changed?.everyone ? frameData(changed) : undefined;
      if (notices.length > 0 || everyone) this.channel.publish({ notices, everyone });
    });
    return stopped.map(({ streamId }) => streamId);
  }
}

const stopNotice = (
  userId: string,
  reason: StopReason,
  { streamId, deviceId, edgeId, version }: AffectedStream,
): EdgeNotice =>
  edgeNotice(randomUUID(), edgeId, {
    type: 'stream.stop',
    data: { streamId, userId, deviceId, reason, version },
  });

/** Without `everyone`, which is not part of the frame. */
const frameData = ({ userId, version, streaming }: EntitlementChanged): EntitlementChanged => ({
  userId,
  version,
  streaming,
});

const changeNotices = (affected: readonly AffectedStream[], changed: EntitlementChanged): EdgeNotice[] =>
  [...new Set(affected.map(({ edgeId }) => edgeId))].map((edgeId) =>
    edgeNotice(randomUUID(), edgeId, { type: 'entitlement.changed', data: frameData(changed) }),
  );
