import { Inject, Injectable } from '@nestjs/common';
import { HandlesDeviceCommand } from '../../devices/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/device-command.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { builtInEvent } from '../../mailbox/events/event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { SENT_EVENTS, type SentEvents } from './sent-events.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import {
  type EventQuery,
  eventsSeen,
  groupByEvent,
  type PlacedEvent,
  type Receipt,
  type ReceiptState,
} from './receipt.js';
import { ReceiptStore } from './receipt.store.js';
import { receiptPayload, type ReceiptPayload } from './receipts.schema.js';

type Of = Pick<DeviceSession, 'userId' | 'deviceId'>;

/** Keeps how far each event got on each device; `receipt` is how a device says that it applied or showed one. */
@Injectable()
@HandlesDeviceCommand('receipt')
export class ReceiptsService implements DeviceCommand {
  private readonly writes = new Batcher<Receipt, undefined>({
    runBatch: async (receipts) => {
      await this.store.record(groupByEvent(receipts));
      return receipts.map(() => undefined);
    },
    size: 1_000,
    concurrency: 1,
    capacity: 50_000,
  });

  constructor(
    private readonly store: ReceiptStore,
    private readonly mailbox: MailboxService,
    private readonly bus: EventBusService,
    @Inject(SENT_EVENTS) private readonly sentEvents: SentEvents,
  ) {}

  /** What the line itself tells. A receipt that cannot be written now is given up: the device's next step tells as much. */
  record({ userId, deviceId }: Of, event: PlacedEvent, state: 'sent' | 'received'): void {
    this.writes.addAndForget({ userId, deviceId, event, state });
  }

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const events = await this.report(session, parse(receiptPayload, payload));
    session.applied(events.map(({ id }) => id));
    return {};
  }

  /** Records what a device says of events that it was sent, by whatever way. Throws Problem unknown_event. */
  async report(of: Of, payload: ReceiptPayload): Promise<readonly PlacedEvent[]> {
    const events = await this.find(toQuery(of, payload));
    await this.write(of, events, payload.state);
    if (payload.state === 'seen') await this.propagateSeen(of, events);
    return events;
  }

  private async find(query: EventQuery): Promise<readonly PlacedEvent[]> {
    const wanted = query.offsets.length + query.ids.length;
    const events = await this.store.find(query);
    if (events.length >= wanted) return events;
    const others = await this.sentEvents.find(query);
    const all = new Map([...events, ...others].map((event) => [event.id, event]));
    if (all.size < wanted) throw new Problem('unknown_event');
    return [...all.values()];
  }

  private async write(of: Of, events: readonly PlacedEvent[], state: ReceiptState): Promise<void> {
    const { userId, deviceId } = of;
    await Promise.all(events.map((event) => this.writes.add({ userId, deviceId, event, state })));
  }

  /** What was seen on one device is seen on all: the others are told, and whoever showed it elsewhere takes it away. */
  private async propagateSeen({ userId, deviceId }: Of, events: readonly PlacedEvent[]): Promise<void> {
    const ids = events.map(({ id }) => id);
    this.mailbox.publishRoutine(
      [builtInEvent('receipts.changed', { userId, data: { ids, state: 'seen' } })],
      deviceId,
    );
    await this.bus.publishAndWait(eventsSeen, { userId, deviceId, eventIds: ids });
  }
}

const toQuery = ({ userId, deviceId }: Of, payload: ReceiptPayload): EventQuery => ({
  userId,
  deviceId,
  offsets: 'offset' in payload ? [payload.offset] : [],
  ids: 'ids' in payload ? [...new Set(payload.ids)] : [],
});
