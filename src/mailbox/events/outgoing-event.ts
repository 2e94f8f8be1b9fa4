import { Topic } from '../../platform/events/topic.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { Envelope } from './event.js';

/** What delivery needs to know of an event without parsing its body. A node of an older version sends no `at`. */
export type EventHeader = Pick<
  Envelope,
  'id' | 'type' | 'tier' | 'key' | 'offset' | 'broadcast' | 'epoch' | 'expiresAt' | 'target'
> &
  Partial<Pick<Envelope, 'at'>>;

/** An event and its encoded body. The body is encoded once for all devices and nodes, and not at all when there are none. */
export class EncodedEvent {
  private constructor(
    readonly header: EventHeader,
    private source: Envelope | string | (() => Envelope),
    private readonly dataJson?: string,
  ) {}

  /** `dataJson` is the envelope's data as JSON text, if it was encoded before. */
  static of(envelope: Envelope, dataJson?: string): EncodedEvent {
    return new EncodedEvent(envelope, envelope, dataJson);
  }

  /** `envelope` is called only if there is somebody to send it to. */
  static deferred(header: EventHeader, envelope: () => Envelope): EncodedEvent {
    return new EncodedEvent(header, envelope);
  }

  /** An event that another node encoded. */
  static fromNode(header: EventHeader, body: string): EncodedEvent {
    return new EncodedEvent(header, body);
  }

  /** The arguments of the Socket.IO event as JSON text: `["type",{…}]`. */
  get body(): string {
    const { source } = this;
    if (typeof source === 'string') return source;
    return (this.source = encodeBody(typeof source === 'function' ? source() : source, this.dataJson));
  }

  /**
   * Makes the body a string of its own, for an event that waits in memory: the batch of the nightly file that it is made of is not kept for it
   * any longer; nor is the message of another node, of which it is a slice (a sliced string keeps the whole one in V8's memory).
   */
  detach(): void {
    this.source = Buffer.from(this.body).toString();
  }

  /** The envelope without its data, as JSON text: a part of the body, so that it need not be encoded once more. (In a string, `"` is escaped.) */
  get headerJson(): string {
    const { body } = this;
    return `${body.slice(body.indexOf(',') + 1, body.indexOf(',"data":'))}}`;
  }
}

/** Concatenates, which takes half the time of JSON.stringify: of an envelope's fields only key, epoch and data may need escapes. */
function encodeBody(envelope: Envelope, dataJson = JSON.stringify(envelope.data)): string {
  const { id, type, tier, key, offset, broadcast, at, expiresAt, profileId, target } = envelope;
  const number =
    offset !== undefined ? `,"offset":${offset}` : broadcast !== undefined ? `,"broadcast":${broadcast}` : '';
  const position = number === '' ? '' : `${number},"epoch":${JSON.stringify(envelope.epoch)}`;
  const optional =
    (expiresAt === undefined ? '' : `,"expiresAt":"${expiresAt}"`) +
    (profileId === undefined ? '' : `,"profileId":"${profileId}"`) +
    (target === undefined ? '' : `,"target":"${target}"`);
  const fields = `"id":"${id}","type":"${type}","tier":"${tier}","key":${JSON.stringify(key)}${position},"at":"${at}"${optional}`;
  return `["${type}",{${fields},"data":${dataJson}}]`;
}

/** An event to be delivered to the devices of one user. */
export interface OutgoingEvent {
  readonly userId: string;
  readonly event: EncodedEvent;
  /** The device that caused the event, and is not sent it. */
  readonly exceptDeviceId?: string | undefined;
  /** The publisher waits for the outcome (`wait=received`): a node records the receipt `sent` as soon as it writes the event to a device. */
  readonly reportSent?: boolean | undefined;
  /** Only these devices, and although they were sent it before: somebody in support resends it. */
  readonly againTo?: readonly string[] | undefined;
  /** Milliseconds over which the users of such events are told, each at a moment of its own; undefined: at once (live/pacing). */
  readonly withinMs?: number | undefined;
  /** The context of the step before in its trace, if it is traced (platform/tracing). */
  readonly trace?: string | undefined;
}

/** The events of one commit; or routine events that were published together, which are stored elsewhere or nowhere. */
export interface CommittedBatch {
  readonly events: readonly OutgoingEvent[];
  /** The handoff that each consumer settles once it has taken over all events; routine events have none. */
  readonly handoff?: { readonly id: string; readonly tier: DurableTier };
}

/** Events were published: durable ones are committed by then. What listeners miss is found by the sweep, from the handoff. */
export const eventsPublished = new Topic<CommittedBatch>('mailbox.events_published');
