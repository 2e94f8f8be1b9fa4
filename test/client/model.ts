import { parseEnvelope, type Envelope } from '../../clients/web/src/envelope.js';
import { parseWelcome } from '../../clients/web/src/frames.js';
import { Inbox } from '../../clients/web/src/inbox.js';
import { applyEvent } from '../../clients/web/src/reducer.js';
import { EMPTY_STATE, type UserState } from '../../clients/web/src/state.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { getResumePosition, type Position } from '../../clients/web/src/cursor.js';
import { Disk } from './device.js';

/** A mailbox as the server keeps it, in memory: numbered without holes, compacted by key. */
export class Mailbox {
  readonly all: Envelope[] = [];

  append(type: string, key: string, data: unknown): Envelope {
    const offset = this.all.length + 1;
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
    this.all.push(event);
    return event;
  }

  get head(): number {
    return this.all.length;
  }

  /** Newest per key after an offset, in offset order. */
  after(offset: number): Envelope[] {
    const newest = new Map(this.all.map((event) => [event.key, event]));
    return this.all.filter((event) => newest.get(event.key) === event && Number(event.offset) > offset);
  }

  /** The state of whoever was there all along. */
  get truth(): UserState {
    return this.all.reduce(applyEvent, EMPTY_STATE);
  }
}

/** A device without sockets: the inbox as the link drives it, over a line that a test may cut, repeat and starve. */
export class ModelDevice {
  readonly heard: number[] = [];
  acknowledged = new Set<number>();
  private readonly disk = new Disk();
  private inbox = this.start();

  constructor(private readonly mailbox: Mailbox) {}

  get state(): UserState {
    return this.inbox.state;
  }

  get position(): Position | undefined {
    return this.inbox.position;
  }

  /** The app dies and starts again: only the disk remains. */
  restart(): void {
    this.inbox = this.start();
    this.connect();
  }

  connect(): void {
    this.inbox.setUser('ann');
    this.answer(getResumePosition(this.inbox.cursor, 0));
  }

  /** Events reach the device, in whatever order and however often; a hole is answered as a server does. */
  receive(events: readonly Envelope[]): void {
    for (const event of events) {
      const complete = this.inbox.handleEvent(
        readAgain(event),
        () => void this.acknowledged.add(Number(event.offset)),
      );
      if (!complete) this.answer(this.inbox.position);
    }
  }

  private answer(position: Position | undefined): void {
    const resume = position ? 'replay' : 'snapshot';
    const welcome = parseWelcome({ userId: 'ann', epoch: 'e1', offset: this.mailbox.head, resume });
    if (!welcome) throw new Error('the model wrote a welcome that cannot be read');
    this.inbox.handleWelcome(welcome);
    if (position) return this.receive(this.mailbox.after(position.offset));
    const { head: offset, truth } = this.mailbox;
    this.inbox.handleSnapshot({ position: { epoch: 'e1', offset }, ...truth });
  }

  private start(): Inbox {
    return new Inbox({
      deviceId: 'tv',
      positionStore: new PositionStore(this.disk, 'http://usher', 'tv'),
      now: () => 0,
      onEvent: (event) => void this.heard.push(Number(event.offset)),
      onChange: () => undefined,
      onStorageError: () => undefined,
    });
  }
}

/** As it would come off the wire: another object, checked. */
function readAgain(event: Envelope): Envelope {
  const read = parseEnvelope(JSON.parse(JSON.stringify(event)));
  if (!read) throw new Error('the model wrote an envelope that cannot be read');
  return read;
}
