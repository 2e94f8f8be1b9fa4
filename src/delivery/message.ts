import { type Announcement, EncodedEvent, type Heading } from '../mailbox/announcement.js';

/**
 * What one node tells another: two lines an event, its heading and its body. The body goes on as it is; JSON text never
 * holds a newline.
 */
type Line = readonly [userId: string, exceptDeviceId: string | null, heading: Heading, awaited?: true];

export function encode(announcements: readonly Announcement[]): string {
  return announcements
    .map(({ userId, event, exceptDeviceId, awaited }) => {
      const { id, type, tier, key, offset, epoch, target } = event.heading;
      const told = { id, type, tier, key, offset, epoch, target } as Heading;
      const except = exceptDeviceId ?? null;
      const line: Line = awaited ? [userId, except, told, true] : [userId, except, told];
      return `${JSON.stringify(line)}\n${event.body}`;
    })
    .join('\n');
}

export function decode(message: string): Announcement[] {
  const lines = message.split('\n');
  const announcements: Announcement[] = [];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const [userId, exceptDeviceId, heading, awaited] = JSON.parse(lines[index] as string) as Line;
    const event = EncodedEvent.received(heading, lines[index + 1] as string);
    announcements.push({ userId, event, exceptDeviceId: exceptDeviceId ?? undefined, awaited });
  }
  return announcements;
}

/** A device must not be connected any more: it was removed or moved to another user, or connected anew elsewhere. */
export interface Ending {
  readonly userId: string;
  readonly deviceId: string;
  readonly why: 'departed' | 'superseded';
  /** By the clock of the node that says it, in ms. */
  readonly at: number;
}

const ENDING = '!';
export const encodeEnding = (ending: Ending): string => ENDING + JSON.stringify(ending);
export const isEnding = (message: string): boolean => message.startsWith(ENDING);
export const decodeEnding = (message: string): Ending => JSON.parse(message.slice(ENDING.length)) as Ending;
