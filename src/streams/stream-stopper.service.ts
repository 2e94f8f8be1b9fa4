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
import type { StopReason } from './stream.js';
import { type AffectedStream, type StopSelection, StreamStore } from './stream.store.js';

/** Why streams are stopped, and what else their edge nodes must learn. */
export interface StopRequest extends StopSelection {
  /** Told to the edge nodes that carry a stream of the user; with `everyone`, to all that are connected. */
  readonly changed?: (EntitlementChanged & { readonly everyone: boolean }) | undefined;
}

/**
 * Stops streams in the transaction that took away their reason: the rows, the device's event and the edge node's notice are
 * one commit. After it they are hurried out.
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
    this.stopped = metrics.counter('streams_stopped_total', 'Streams that Usher stopped', ['reason']);
  }

  /** Holds the user's lock. Answers the streams that were stopped. */
  async stop(tx: Transaction, order: StopRequest): Promise<string[]> {
    const { userId, reason, changed } = order;
    const followed = await this.streams.stop(tx, order);
    const stopped = followed.filter((stream) => stream.stopped);
    await this.mailbox.append(
      tx,
      stopped.map(({ streamId, deviceId }) =>
        builtInEvent('stream.stop', { userId, target: deviceId, data: { streamId, reason } }),
      ),
    );
    const notices = [
      ...stopped.map((stream) => stopNotice(userId, reason, stream)),
      ...(changed ? changedNotices(followed, changed) : []),
    ];
    await this.notices.add(tx, notices);
    tx.afterCommit(() => {
      this.stopped.inc({ reason }, stopped.length);
      const everyone = changed?.everyone ? dataOf(changed) : undefined;
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

const dataOf = ({ userId, version, streaming }: EntitlementChanged): EntitlementChanged => ({
  userId,
  version,
  streaming,
});

const changedNotices = (followed: readonly AffectedStream[], changed: EntitlementChanged): EdgeNotice[] =>
  [...new Set(followed.map(({ edgeId }) => edgeId))].map((edgeId) =>
    edgeNotice(randomUUID(), edgeId, { type: 'entitlement.changed', data: dataOf(changed) }),
  );
