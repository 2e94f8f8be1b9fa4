import { categoryOf } from '../../devices/preferences/preferences.js';
import type { DataOf } from '../../mailbox/events/event-types.js';
import { MAX_DATA_BYTES } from '../../mailbox/events/publish.schema.js';
import { truncate } from '../../platform/truncate.js';
import type { NotificationText } from '../../templates/template.js';
import type { NamedDigest } from '../definitions/digest-definition.js';

/** What is read of the events that a digest tells of. */
export interface CollectedEvents {
  /** How many match, of those that were read. */
  readonly events: number;
  /** False when there are more than were read. */
  readonly isCounted: boolean;
  /** The first ones, in the digest's order. */
  readonly items: readonly {
    readonly id: string;
    readonly type: string;
    readonly key: string;
    readonly at: string;
    readonly data: unknown;
  }[];
}

type DigestData = DataOf<'digest.ready'>;
type Item = DigestData['items'][number];

const MAX_TITLE = 120;
const MAX_TEXT = 300;

/** Returns the `data` of the digest's event, with a title and a text in the words of its template. Items that do not fit into an event are only counted. */
export function digestContent(
  digest: NamedDigest,
  localDate: string,
  { events, isCounted, items }: CollectedEvents,
  wordsOf: (data: Omit<DigestData, 'title' | 'body'>) => NotificationText,
): DigestData {
  const shown = grouped(digest, items.map(toItem(digest)));
  const told = { digest: digest.name, localDate, count: events, isCounted, items: shown };
  const data = { ...told, ...wordsOf(told) };
  while (data.items.length > 0 && Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES) data.items.pop();
  return data;
}

const toItem =
  ({ group }: NamedDigest) =>
  ({ data, ...event }: CollectedEvents['items'][number]): Item => {
    const fields = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
    const title = textOf(fields['title'], MAX_TITLE);
    const text = textOf(fields['body'] ?? fields['text'], MAX_TEXT);
    return {
      ...event,
      ...(group !== 'none' && { group: group === 'type' ? event.type : categoryOf(event.type) }),
      ...(title !== undefined && { title }),
      ...(text !== undefined && { text }),
    };
  };

/** Groups come in the order of their first items, which keep theirs. */
function grouped({ group }: NamedDigest, items: readonly Item[]): Item[] {
  if (group === 'none') return [...items];
  const groups = [...new Set(items.map((item) => item.group))];
  return groups.flatMap((one) => items.filter((item) => item.group === one));
}

const textOf = (value: unknown, max: number): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? truncate(value.trim(), max) : undefined;
