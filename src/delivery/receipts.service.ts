import { Injectable } from '@nestjs/common';
import type { CommandAnswer, DeviceCommand, DeviceSession } from '../devices/device-command.js';
import { Mailbox } from '../mailbox/mailbox.service.js';
import { Batcher } from '../platform/batcher.js';
import { Problem } from '../platform/http/problem.js';
import { parse } from '../platform/parse.js';
import { Bell } from './bell.service.js';
import { FallbackStore } from './fallback.store.js';
import { byEvent, type PlacedEvent, type Receipt, type ReceiptState } from './receipt.js';
import { ReceiptStore } from './receipt.store.js';
import { receiptPayload, type ReceiptPayload } from './receipts.schema.js';

type Of = Pick<DeviceSession, 'userId' | 'deviceId'>;

/** Keeps how far each event got on each device; `receipt` is how a device says that it applied or showed one. */
@Injectable()
export class Receipts implements DeviceCommand {
  readonly event = 'receipt';
  private readonly writes = new Batcher<Receipt, undefined>({
    act: async (receipts) => {
      await this.store.record(byEvent(receipts));
      return receipts.map(() => undefined);
    },
    size: 1_000,
    concurrency: 1,
    capacity: 50_000,
  });

  constructor(
    private readonly store: ReceiptStore,
    private readonly mailbox: Mailbox,
    private readonly fallback: FallbackStore,
    private readonly bell: Bell,
  ) {}

  /** What the line itself tells. A receipt that cannot be written now is given up: the device's next step tells as much. */
  note({ userId, deviceId }: Of, event: PlacedEvent, state: 'sent' | 'received'): void {
    this.writes.give({ userId, deviceId, event, state });
  }

  async handle(session: DeviceSession, payload: unknown): Promise<CommandAnswer> {
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
    if (state === 'seen') await this.seen(of, events);
    return events;
  }

  private async write(of: Of, events: readonly PlacedEvent[], state: ReceiptState): Promise<void> {
    const { userId, deviceId } = of;
    await Promise.all(events.map((event) => this.writes.add({ userId, deviceId, event, state })));
  }

  /** What was seen on one device is seen on all: those that are awake are told, on the others it is taken from the lock screen. */
  private async seen({ userId, deviceId }: Of, events: readonly PlacedEvent[]): Promise<void> {
    const ids = events.map(({ id }) => id);
    this.mailbox.announce(
      [{ userId, type: 'receipts.changed', tier: 'routine', data: { ids, state: 'seen' } }],
      deviceId,
    );
    if ((await this.fallback.clearElsewhere(userId, deviceId, ids)) > 0) this.bell.ring('important');
  }
}

function read(payload: ReceiptPayload) {
  const offsets = 'offset' in payload ? [payload.offset] : [];
  const ids = 'ids' in payload ? [...new Set(payload.ids)] : [];
  return { meant: { offsets, ids }, wanted: offsets.length + ids.length, state: payload.state };
}
