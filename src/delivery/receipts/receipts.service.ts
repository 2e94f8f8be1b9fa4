import { Injectable } from '@nestjs/common';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../../devices/device-command.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { parse } from '../../platform/http/validation.js';
import { PushWakeupService } from '../../push/queue/push-wakeup.service.js';
import { PushQueueStore } from '../../push/queue/push-queue.store.js';
import { groupByEvent, type PlacedEvent, type Receipt, type ReceiptState } from './receipt.js';
import { ReceiptStore } from './receipt.store.js';
import { receiptPayload, type ReceiptPayload } from './receipts.schema.js';

type Of = Pick<DeviceSession, 'userId' | 'deviceId'>;

/** Keeps how far each event got on each device; `receipt` is how a device says that it applied or showed one. */
@Injectable()
export class ReceiptsService implements DeviceCommand {
  readonly event = 'receipt';
  private readonly writes = new Batcher<Receipt, undefined>({
    act: async (receipts) => {
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
    private readonly fallback: PushQueueStore,
    private readonly bell: PushWakeupService,
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

  /** What a device says of events that it got, over whatever way. Throws Problem unknown_event. */
  async report(of: Of, payload: ReceiptPayload): Promise<readonly PlacedEvent[]> {
    const { meant, wanted, state } = read(payload);
    const events = await this.store.events(of, meant);
    if (events.length < wanted) throw new Problem('unknown_event');
    await this.write(of, events, state);
    if (state === 'seen') await this.propagateSeen(of, events);
    return events;
  }

  private async write(of: Of, events: readonly PlacedEvent[], state: ReceiptState): Promise<void> {
    const { userId, deviceId } = of;
    await Promise.all(events.map((event) => this.writes.add({ userId, deviceId, event, state })));
  }

  /** What was seen on one device is seen on all: those that are awake are told, on the others it is taken from the lock screen. */
  private async propagateSeen({ userId, deviceId }: Of, events: readonly PlacedEvent[]): Promise<void> {
    const ids = events.map(({ id }) => id);
    this.mailbox.publishRoutine(
      [{ userId, type: 'receipts.changed', tier: 'routine', data: { ids, state: 'seen' } }],
      deviceId,
    );
    if ((await this.fallback.clearOnOtherDevices(userId, deviceId, ids)) > 0) this.bell.wake('important');
  }
}

function read(payload: ReceiptPayload) {
  const offsets = 'offset' in payload ? [payload.offset] : [];
  const ids = 'ids' in payload ? [...new Set(payload.ids)] : [];
  return { meant: { offsets, ids }, wanted: offsets.length + ids.length, state: payload.state };
}
