import { Topic } from '../../platform/events/topic.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { Envelope } from './event.js';

/** What must be known of an event to deliver it, without reading its data. */
export type EventHeader = Pick<Envelope, 'id' | 'type' | 'tier' | 'key' | 'offset' | 'epoch' | 'target'>;

/** An event with its text, which is made once, however many devices and nodes it goes to, and not at all if it goes to none. */
export class EncodedEvent {
  private constructor(
    readonly header: EventHeader,
    private source: Envelope | (() => Envelope) | string,
    private readonly json?: string,
  ) {}

  /** `json` is the envelope's data as text, if somebody has made it already. */
  static of(envelope: Envelope, json?: string): EncodedEvent {
    return new EncodedEvent(envelope, envelope, json);
  }

  /** Of an event that most likely nobody hears: the rest of it is put together when somebody does. */
  static lazy(heading: EventHeader, make: () => Envelope): EncodedEvent {
    return new EncodedEvent(heading, make);
  }

  /** From another node, which has encoded it. */
  static fromNode(heading: EventHeader, body: string): EncodedEvent {
    return new EncodedEvent(heading, body);
  }

  /** The Socket.IO event's arguments as JSON: `["type",{…}]`. */
  get body(): string {
    const { source } = this;
    if (typeof source === 'string') return source;
    return (this.source = bodyOf(typeof source === 'function' ? source() : source, this.json));
  }
}

/** Put together by hand, which is twice as quick: of what is in an envelope only key, epoch and data may need escapes. */
function bodyOf(envelope: Envelope, json = JSON.stringify(envelope.data)): string {
  const { id, type, tier, key, offset, epoch, at, expiresAt, profileId, target } = envelope;
  const place = offset === undefined ? '' : `,"offset":${offset},"epoch":${JSON.stringify(epoch)}`;
  const more =
    (expiresAt === undefined ? '' : `,"expiresAt":"${expiresAt}"`) +
    (profileId === undefined ? '' : `,"profileId":"${profileId}"`) +
    (target === undefined ? '' : `,"target":"${target}"`);
  const known = `"id":"${id}","type":"${type}","tier":"${tier}","key":${JSON.stringify(key)}${place},"at":"${at}"${more}`;
  return `["${type}",{${known},"data":${json}}]`;
}

/** One event on its way to the devices of its user. */
export interface OutgoingEvent {
  readonly userId: string;
  readonly event: EncodedEvent;
  /** The device that caused it, and need not hear it. */
  readonly exceptDeviceId?: string | undefined;
  /** Someone waits to hear which devices got it: whoever holds a device says at once that it was sent. */
  readonly reportSent?: boolean | undefined;
}

/** What one commit (or one turn, for routine events) has to hand on. */
export interface CommittedBatch {
  readonly events: readonly OutgoingEvent[];
  /** The handoff to settle once every event is handed on; routine batches have none. */
  readonly handoff?: { readonly id: string; readonly tier: DurableTier };
}

/** Durable events, after their commit; or routine events that were published together, which are stored elsewhere or nowhere. */
export const eventsPublished = new Topic<CommittedBatch>('mailbox.events_published');
