import { getResumePosition, type Position } from '../../clients/web/src/cursor.js';
import { parseEnvelope, type Envelope } from '../../clients/web/src/envelope.js';
import { parseWelcome } from '../../clients/web/src/frames.js';
import { Inbox } from '../../clients/web/src/inbox.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { applyEvent } from '../../clients/web/src/reducer.js';
import { EMPTY_STATE, type UserState } from '../../clients/web/src/state.js';
import { MemoryStorage } from './test-client.js';

/** A model of the server's mailbox of one user: numbered without gaps, read compacted by key. */
export class MailboxModel {
  readonly events: Envelope[] = [];

  append(type: string, key: string, data: unknown): Envelope {
    const offset = this.events.length + 1;
    const event = {
      id: `id-${offset}`,
      type,
      tier: 'critical' as const,
      key,
      offset,
      epoch: 'e1',
      at: '',
      data,
    };
    this.events.push(event);
    return event;
  }

  get offset(): number {
    return this.events.length;
  }

  /** Returns the newest event of each key after an offset, in offset order. */
  getAfter(offset: number): Envelope[] {
    const newest = new Map(this.events.map((event) => [event.key, event]));
    return this.events.filter((event) => newest.get(event.key) === event && Number(event.offset) > offset);
  }

  /** The state of a device that received every event. */
  get state(): UserState {
    return this.events.reduce(applyEvent, EMPTY_STATE);
  }
}

/** Entries in one page of a snapshot. */
const PAGE_SIZE = 2;

/** A model of a device without sockets: an inbox, driven as `ProtocolClient` drives it. */
export class DeviceModel {
  readonly receivedOffsets: number[] = [];
  readonly acknowledgedOffsets = new Set<number>();
  /** Its connections end after the first page of a snapshot. */
  breaksAfterPage = false;
  private readonly storage = new MemoryStorage();
  private inbox = this.createInbox();

  constructor(private readonly mailbox: MailboxModel) {}

  get state(): UserState {
    return this.inbox.state;
  }

  get position(): Position | undefined {
    return this.inbox.position;
  }

  /** The app dies and starts again. Only the storage remains. */
  restart(): void {
    this.inbox = this.createInbox();
    this.connect();
  }

  connect(): void {
    this.inbox.setUser('ann');
    this.synchronize(getResumePosition(this.inbox.cursor, 0));
  }

  /** Passes events to the inbox, in any order and any number of times. A gap leads to a sync. */
  receive(events: readonly Envelope[]): void {
    for (const event of events) {
      const acknowledge = () => void this.acknowledgedOffsets.add(Number(event.offset));
      if (!this.inbox.handleEvent(serialize(event), acknowledge)) this.synchronize(this.inbox.position);
    }
  }

  /** Does what the server does on connect and on `sync`. */
  private synchronize(position: Position | undefined): void {
    const resume = position ? 'replay' : 'snapshot';
    const { offset, state } = this.mailbox;
    const welcome = parseWelcome({ userId: 'ann', epoch: 'e1', offset, resume });
    if (!welcome) throw new Error('the model made a welcome that cannot be read');
    this.inbox.handleWelcome(welcome);
    if (position) return this.receive(this.mailbox.getAfter(position.offset));
    const { entries } = state;
    for (let start = 0; ; start += PAGE_SIZE) {
      const page = entries.slice(start, start + PAGE_SIZE);
      const hasMore = start + PAGE_SIZE < entries.length;
      const at = { epoch: 'e1', offset: hasMore ? Number(page.at(-1)?.offset) : offset };
      this.inbox.handleSnapshot({ position: at, hasMore, ...(start === 0 && state), entries: page });
      if (!hasMore) break;
      if (this.breaksAfterPage) return;
    }
  }

  private createInbox(): Inbox {
    return new Inbox({
      deviceId: 'tv',
      positionStore: new PositionStore(this.storage, 'http://usher', 'tv'),
      now: () => 0,
      onEvent: (event) => void this.receivedOffsets.push(Number(event.offset)),
      onChange: () => undefined,
      onStorageError: () => undefined,
    });
  }
}

/** Returns the event as the network would deliver it: another object, parsed. */
function serialize(event: Envelope): Envelope {
  const parsed = parseEnvelope(JSON.parse(JSON.stringify(event)));
  if (!parsed) throw new Error('the model made an envelope that cannot be read');
  return parsed;
}
