import { type OutgoingEvent, EncodedEvent, type EventHeader } from '../mailbox/events/outgoing-event.js';

/**
 * What one node tells another: two lines an event, its heading and its body. The body goes on as it is; JSON text never
 * holds a newline.
 */
type Line = readonly [userId: string, exceptDeviceId: string | null, heading: EventHeader, awaited?: true];

export function encodeEvents(announcements: readonly OutgoingEvent[]): string {
  return announcements
    .map(({ userId, event, exceptDeviceId, reportSent: awaited }) => {
      const { id, type, tier, key, offset, epoch, target } = event.header;
      const told = { id, type, tier, key, offset, epoch, target } as EventHeader;
      const except = exceptDeviceId ?? null;
      const line: Line = awaited ? [userId, except, told, true] : [userId, except, told];
      return `${JSON.stringify(line)}\n${event.body}`;
    })
    .join('\n');
}

export function decodeEvents(message: string): OutgoingEvent[] {
  const lines = message.split('\n');
  const announcements: OutgoingEvent[] = [];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const [userId, exceptDeviceId, heading, awaited] = JSON.parse(lines[index] as string) as Line;
    const event = EncodedEvent.fromNode(heading, lines[index + 1] as string);
    announcements.push({ userId, event, exceptDeviceId: exceptDeviceId ?? undefined, reportSent: awaited });
  }
  return announcements;
}

/** A device must not be connected any more: it was removed or moved to another user, or connected anew elsewhere. */
export interface DisconnectRequest {
  readonly userId: string;
  readonly deviceId: string;
  readonly reason: 'departed' | 'superseded';
  /** By the clock of the node that says it, in ms. */
  readonly at: number;
}

const ENDING = '!';
export const encodeDisconnect = (ending: DisconnectRequest): string => ENDING + JSON.stringify(ending);
export const isDisconnect = (message: string): boolean => message.startsWith(ENDING);
export const decodeDisconnect = (message: string): DisconnectRequest =>
  JSON.parse(message.slice(ENDING.length)) as DisconnectRequest;
