import { Injectable } from '@nestjs/common';
import { ConnectionLookupService } from '../cluster/lookup/connection-lookup.service.js';
import { DispatcherService } from '../delivery/dispatcher.service.js';
import { rankOf } from '../delivery/receipts/receipt.js';
import type { DurableEnvelope } from '../mailbox/events/event.js';
import { EncodedEvent } from '../mailbox/events/outgoing-event.js';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import type { Transaction } from '../platform/postgres/database.js';
import { Problem } from '../platform/http/problem.js';
import { PushStore } from '../push/queue/push.store.js';
import { type ResendableEvent, ResendStore } from './resend.store.js';
import type { ResendBody, Resent } from './support.schema.js';

const RECEIVED = rankOf('received');

/**
 * Sends an event again to devices that have not got it: as it is, with its id and offset, so that nothing comes in another order and a device
 * that has it all the same ignores it.
 */
@Injectable()
export class ResendService {
  constructor(
    private readonly store: ResendStore,
    private readonly lookup: ConnectionLookupService,
    private readonly dispatcher: DispatcherService,
    private readonly pushes: PushStore,
    private readonly audit: AuditService,
  ) {}

  /**
   * Resends to one device, or to all of the user's. Throws Problem not_found for an unknown event, conflict for one that was superseded or has
   * expired, unknown_device, and unavailable while it is not known which devices are connected.
   */
  async resend(userId: string, eventId: string, { deviceId }: ResendBody, by: AuditContext): Promise<Resent> {
    const [found, connections] = await Promise.all([
      this.store.read(userId, eventId),
      this.lookup.find(userId),
    ]);
    const event = eventOf(found);
    if (deviceId !== undefined && !found.devices.some((one) => one.deviceId === deviceId))
      throw new Problem('unknown_device');
    if (!connections) throw new Problem('unavailable', 'It is not known which devices are connected.');
    const isAsked = (id: string) => deviceId === undefined || id === deviceId;
    const wanting = found.devices
      .filter(({ deviceId: id, state }) => isAsked(id) && state < RECEIVED && isFor(event, id))
      .map(({ deviceId: id }) => id);
    const connected = wanting.filter((id) => connections.some((one) => one.deviceId === id));
    const asleep = wanting.filter((id) => !connected.includes(id));
    const others = found.devices.map(({ deviceId: id }) => id).filter((id) => !asleep.includes(id));
    return this.audit.transaction(event.tier === 'critical' ? 'critical' : 'important', by, async (tx) => {
      const pushed = await this.pushes.queueAgain(tx, {
        userId,
        eventId,
        offset: event.offset,
        deviceIds: asleep,
        others,
      });
      this.dispatchAfter(tx, userId, event, connected);
      const way = (id: string) => {
        if (connected.includes(id)) return 'connection' as const;
        if (pushed.includes(id)) return 'push' as const;
        return asleep.includes(id) ? ('later' as const) : ('nothing' as const);
      };
      const devices = found.devices
        .filter(({ deviceId: id }) => isAsked(id))
        .map(({ deviceId: id }) => ({ deviceId: id, by: way(id) }));
      const act = {
        action: 'event.resend',
        target: { kind: 'event', id: eventId },
        userId,
        after: { devices },
        result: wanting.length > 0 ? 'done' : 'unchanged',
      } as const;
      return { outcome: { id: eventId, offset: event.offset, devices }, acts: [act] };
    });
  }

  /** What is lost on the way is in the mailbox, as it was before. */
  private dispatchAfter(
    tx: Transaction,
    userId: string,
    event: DurableEnvelope,
    againTo: readonly string[],
  ): void {
    if (againTo.length === 0) return;
    tx.afterCommit(() => {
      this.dispatcher.dispatch([{ userId, event: EncodedEvent.of(event), againTo }]).catch(() => undefined);
    });
  }
}

const isFor = ({ target }: DurableEnvelope, deviceId: string): boolean =>
  target === undefined || target === deviceId;

function eventOf({ event, isKnown }: ResendableEvent): DurableEnvelope {
  if (event) return event;
  if (isKnown)
    throw new Problem('conflict', 'The event was superseded or has expired: publish it again instead.');
  throw new Problem('not_found', 'Nothing is known of such an event of this user.');
}
