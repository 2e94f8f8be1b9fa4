import { Injectable } from '@nestjs/common';
import { hasReceipts } from '../delivery/receipts/receipt.fragments.js';
import { hasDevice, hasDevices } from '../devices/device.fragments.js';
import { hasEvent, hasMailbox } from '../mailbox/mailbox.fragments.js';
import {
  customersWithId,
  hasMembership,
  plansWithId,
  subscriptionsWithId,
  webhooksWithId,
} from '../membership/membership.fragments.js';
import { hasServiceKey } from '../platform/auth/service-keys/service-key.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { statement } from '../platform/postgres/statement.js';
import { streamWithId } from '../streams/stream.fragments.js';
import type { FoundKind } from './search.schema.js';

const ofProcessors = { processors: '$4::text[]', id: '$1' };
const FIND = statement('search.sql', import.meta.url, {
  hasMailbox: hasMailbox('$1'),
  hasMembership: hasMembership('$1'),
  hasDevices: hasDevices('$1'),
  hasDevice: hasDevice({ userId: '$2', deviceId: '$1' }),
  hasEvent: hasEvent({ userId: '$2', id: '$3::uuid' }),
  hasReceipts: hasReceipts({ userId: '$2', eventId: '$3::uuid' }),
  streamWithId: streamWithId('$1'),
  webhooksWithId: webhooksWithId(ofProcessors),
  customersWithId: customersWithId(ofProcessors),
  subscriptionsWithId: subscriptionsWithId(ofProcessors),
  plansWithId: plansWithId('$1'),
  hasServiceKey: hasServiceKey('$1'),
});
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Something that has the id. */
export interface FoundThing {
  readonly kind: FoundKind;
  readonly id: string;
  readonly userId: string | null;
  readonly processor: string | null;
}

/** Looks for an id in the tables of many folders, through their fragments; writes nothing. */
@Injectable()
export class SearchStore {
  constructor(private readonly database: Database) {}

  /** Everything with this id. `userId`: whose devices and events are looked at; without one none are. */
  find(id: string, userId: string | undefined, processors: readonly string[]): Promise<FoundThing[]> {
    const eventId = UUID.test(id) ? id : null;
    return this.database.run('important', FIND, [id, userId ?? null, eventId, processors]);
  }
}
