import { truncate } from '../../platform/truncate.js';
import type { NotificationText } from '../template.js';

/** UTF-16 units of a push's title. Lock screens cut off longer texts, and pushes stay far below the 4 KB that providers take. */
export const MAX_TITLE = 100;
/** The same of its body. */
export const MAX_BODY = 300;

/**
 * Returns the words of an event without a template: `data.title` and `data.body` (or `data.text`), as back offices pass them; undefined where
 * there are none. Nothing in them is a template.
 */
export function plainWordsOf(data: unknown): NotificationText | undefined {
  const fields = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const title = textOf(fields['title']);
  const body = textOf(fields['body']) ?? textOf(fields['text']);
  if (title === undefined && body === undefined) return undefined;
  return { title: truncate(title ?? '', MAX_TITLE), body: truncate(body ?? '', MAX_BODY) };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
