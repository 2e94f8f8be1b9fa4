import { type OutgoingEvent, EncodedEvent, type EventHeader } from '../mailbox/events/outgoing-event.js';

/** What few events have. */
type Rare = Pick<OutgoingEvent, 'reportSent' | 'againTo' | 'withinMs' | 'trace'>;

/** The first line of an event. It has fields by position, since there may be thousands of them a second. */
type Head = readonly [userId: string, exceptDeviceId: string | null, header: EventHeader, rare?: Rare];

/**
 * Returns the events as one message to another node: two lines an event, its head and its body. The receiver passes the body on
 * without parsing it; JSON text never contains a newline, and ids nothing that JSON would escape.
 */
export function encodeEvents(events: readonly OutgoingEvent[]): string {
  return events
    .map(({ userId, event, exceptDeviceId, reportSent, againTo, withinMs, trace }) => {
      const except = exceptDeviceId === undefined ? 'null' : `"${exceptDeviceId}"`;
      const isPlain = !reportSent && againTo === undefined && withinMs === undefined && trace === undefined;
      const rare = isPlain
        ? ''
        : `,${JSON.stringify({ reportSent, againTo, withinMs, trace } satisfies Rare)}`;
      return `["${userId}",${except},${event.headerJson}${rare}]\n${event.body}`;
    })
    .join('\n');
}

/**
 * Returns the events of a message that `encodeEvents` made. Throws SyntaxError on anything else. (Without an object spread:
 * docs/decisions/no-spread-per-event.md.)
 */
export function decodeEvents(message: string): OutgoingEvent[] {
  const lines = message.split('\n');
  const events: OutgoingEvent[] = [];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const [userId, exceptDeviceId, header, rare] = JSON.parse(lines[index] as string) as Head;
    const event = EncodedEvent.fromNode(header, lines[index + 1] as string);
    events.push({
      userId,
      event,
      exceptDeviceId: exceptDeviceId ?? undefined,
      reportSent: rare?.reportSent,
      againTo: rare?.againTo,
      withinMs: rare?.withinMs,
      trace: rare?.trace,
    });
  }
  return events;
}

/**
 * Connections must end: of a device that the user no longer has (`departed`), that an operator wants to reconnect, or that has connected
 * again elsewhere (`superseded`), or all of a user who was erased. A node ignores a reason that only newer versions know.
 */
export type DisconnectRequest =
  | { readonly userId: string; readonly deviceId: string; readonly reason: 'departed' | 'operator' }
  | {
      readonly userId: string;
      readonly deviceId: string;
      readonly reason: 'superseded';
      /** When the newer connection began, in ms by the clock that all nodes share (NodeRegistryService.sharedTime). */
      readonly at: number;
    }
  | { readonly userId: string; readonly reason: 'erased' };

/** A device has reported over HTTP how far it is with these events: its connection need not send them again. */
export interface AppliedReport {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventIds: readonly string[];
}

/** A question about the connections of users; each node answers into the list `answers` of that id (platform/redis/keys.ts). */
export interface ConnectionsQuestion {
  readonly userIds: readonly string[];
  readonly questionId: string;
}

/** Never the first character of events, which begin with `[`. */
const DISCONNECT_PREFIX = '!';
const QUESTION_PREFIX = '?';
/** A node of an older version takes such a message for no events. */
const APPLIED_PREFIX = '+';

/** A message to another node: the log of broadcasts has changed. A hint, since each node looks by itself as well. */
export const BROADCASTS_CHANGED = '*';

/** Returns the request as one message to another node. */
export const encodeDisconnect = (request: DisconnectRequest): string =>
  DISCONNECT_PREFIX + JSON.stringify(request);

/** Whether the message is a disconnect request. */
export const isDisconnect = (message: string): boolean => message.startsWith(DISCONNECT_PREFIX);

/** Returns the report as one message to another node. */
export const encodeApplied = (report: AppliedReport): string => APPLIED_PREFIX + JSON.stringify(report);

/** Whether the message is such a report. */
export const isApplied = (message: string): boolean => message.startsWith(APPLIED_PREFIX);

/** Returns the report of a message for which `isApplied` holds. */
export const decodeApplied = (message: string): AppliedReport =>
  JSON.parse(message.slice(APPLIED_PREFIX.length)) as AppliedReport;

/** Returns the request of a message for which `isDisconnect` holds. */
export const decodeDisconnect = (message: string): DisconnectRequest =>
  JSON.parse(message.slice(DISCONNECT_PREFIX.length)) as DisconnectRequest;

/** Returns the question as one message to another node. */
export const encodeQuestion = (question: ConnectionsQuestion): string =>
  QUESTION_PREFIX + JSON.stringify(question);

/** Whether the message is a question about connections. */
export const isQuestion = (message: string): boolean => message.startsWith(QUESTION_PREFIX);

/** Returns the question of a message for which `isQuestion` holds. */
export const decodeQuestion = (message: string): ConnectionsQuestion =>
  JSON.parse(message.slice(QUESTION_PREFIX.length)) as ConnectionsQuestion;
