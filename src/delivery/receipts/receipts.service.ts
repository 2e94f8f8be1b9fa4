import { Inject, Injectable, Logger } from '@nestjs/common';
import { NodeRouterService } from '../../cluster/node-router.service.js';
import { HandlesDeviceCommand } from '../../devices/commands/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/commands/device-command.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { builtInEvent } from '../../mailbox/events/event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import {
  type DurableEventRef,
  type EventQuery,
  eventsSeen,
  groupByEvent,
  type Receipt,
  type ReceiptState,
  SENT_EVENT_LOOKUP,
  type SentEventLookup,
} from './receipt.js';
import { ReceiptStore } from './receipt.store.js';
import { receiptPayload, type ReceiptPayload } from './receipts.schema.js';

type Reporter = Pick<DeviceSession, 'userId' | 'deviceId'>;

/** Records how far each event got on each device. Devices report `applied` and `seen` themselves, by the frame `receipt` or over HTTP. */
@Injectable()
@HandlesDeviceCommand('receipt')
export class ReceiptsService implements DeviceCommand {
  private readonly log = new Logger('delivery');
  private readonly writes = new Batcher<Receipt, undefined>({
    runBatch: async (receipts) => {
      await this.store.record(groupByEvent(receipts));
      return receipts.map(() => undefined);
    },
    size: 1_000,
    concurrency: 1,
    capacity: 50_000,
    isolate: (error) => !isOutage(error),
  });

  constructor(
    private readonly store: ReceiptStore,
    private readonly mailbox: MailboxService,
    private readonly bus: EventBusService,
    @Inject(SENT_EVENT_LOOKUP) private readonly sentEvents: SentEventLookup,
    private readonly router: NodeRouterService,
  ) {}

  /** Records what the connection itself shows. A receipt that cannot be written now is dropped: the device's next one implies it. */
  record({ userId, deviceId }: Reporter, event: DurableEventRef, state: 'sent' | 'received'): void {
    this.writes.addAndForget({ userId, deviceId, event, state });
  }

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const events = await this.report(session, parse(receiptPayload, payload));
    session.applied(events.map(({ id }) => id));
    return {};
  }

  /**
   * The same over HTTP. The device's connection, on whatever node it is, learns of it as well; while Redis is away one on another
   * node may send the event once more. Throws as `report` does.
   */
  async reportOverHttp(reporter: Reporter, payload: ReceiptPayload): Promise<void> {
    const events = await this.report(reporter, payload);
    const { userId, deviceId } = reporter;
    this.router
      .tellOfApplied({ userId, deviceId, eventIds: events.map(({ id }) => id) })
      .catch((error: unknown) => this.log.debug(`an event may be sent once more: ${String(error)}`));
  }

  /**
   * Records what a device reports of events that were for it, also of superseded and expired ones. Returns these events. Throws Problem
   * unknown_event when one of them was not for the device, or nothing is known of it (any more).
   */
  async report(reporter: Reporter, payload: ReceiptPayload): Promise<readonly DurableEventRef[]> {
    const events = await this.find(toQuery(reporter, payload));
    await this.write(reporter, events, payload.state);
    if (payload.state === 'seen') await this.propagateSeen(reporter, events);
    return events;
  }

  /** Nearly all are in the mailbox. One that left it may have come to the device without a receipt: with a snapshot, or over HTTP. */
  private async find(query: EventQuery): Promise<readonly DurableEventRef[]> {
    const count = query.offsets.length + query.ids.length;
    const found = new Map<string, DurableEventRef>();
    const lookups = [
      () => this.store.find(query),
      () => this.sentEvents.findSent(query),
      () => this.store.findPast(query),
    ];
    for (const lookUp of lookups) {
      for (const event of await lookUp()) found.set(event.id, event);
      if (found.size >= count) return [...found.values()];
    }
    throw new Problem('unknown_event');
  }

  private async write(
    reporter: Reporter,
    events: readonly DurableEventRef[],
    state: ReceiptState,
  ): Promise<void> {
    const { userId, deviceId } = reporter;
    await Promise.all(events.map((event) => this.writes.add({ userId, deviceId, event, state })));
  }

  /** What a person saw on one device counts as seen on all: the others get an event, and push clears it from their screens. */
  private async propagateSeen(
    { userId, deviceId }: Reporter,
    events: readonly DurableEventRef[],
  ): Promise<void> {
    const ids = events.map(({ id }) => id);
    this.mailbox.publishRoutine(
      [builtInEvent('receipts.changed', { userId, data: { ids, state: 'seen' } })],
      deviceId,
    );
    await this.bus.publishAndWait(eventsSeen, { userId, deviceId, eventIds: ids });
  }
}

const toQuery = ({ userId, deviceId }: Reporter, payload: ReceiptPayload): EventQuery => ({
  userId,
  deviceId,
  offsets: 'offset' in payload ? [payload.offset] : [],
  ids: 'ids' in payload ? [...new Set(payload.ids)] : [],
});
