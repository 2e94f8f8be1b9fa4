import type { BroadcastPosition } from '../../broadcasts/broadcast.js';
import type { Position } from '../../mailbox/position.js';

/** How far a listener has read: what a browser sends back as `Last-Event-ID` when it reconnects by itself. */
export class LastEventId {
  constructor(
    private position?: Position,
    private broadcast?: BroadcastPosition,
  ) {}

  /** Reads the header `Last-Event-ID`: `<epoch>:<offset>`, and `:<number>` for a listener that has got broadcasts. Without positions if it is neither. */
  static of(header: string | string[] | undefined): LastEventId {
    const [, epoch, offset, number] =
      /^([^:\s]{1,64}):(\d{1,16})(?::(\d{1,16}))?$/.exec(String(header ?? '')) ?? [];
    if (epoch === undefined || offset === undefined) return new LastEventId();
    const broadcast = number === undefined ? undefined : { epoch, number: Number(number) };
    return new LastEventId({ epoch, offset: Number(offset) }, broadcast);
  }

  /** Up to where it has read the mailbox; undefined: nothing, so that the stream begins with a snapshot. */
  get mailboxPosition(): Position | undefined {
    return this.position;
  }

  /** Up to where it has read the broadcasts. */
  get broadcastPosition(): BroadcastPosition | undefined {
    return this.broadcast;
  }

  /** It is sent the mailbox up to here. Returns the id to send with that. */
  read(position: Position): string {
    this.position = position;
    return this.toString();
  }

  /** It is sent the broadcasts up to here. Returns the id to send with that. */
  readBroadcast(broadcast: BroadcastPosition): string {
    this.broadcast = broadcast;
    return this.toString();
  }

  /** One epoch for both; a number of another one is left out. Broadcasts come after a history, so there is a position. */
  private toString(): string {
    const { epoch, offset } = this.position ?? { epoch: this.broadcast?.epoch ?? '', offset: 0 };
    const number = this.broadcast?.epoch === epoch ? `:${this.broadcast.number}` : '';
    return `${epoch}:${offset}${number}`;
  }
}
