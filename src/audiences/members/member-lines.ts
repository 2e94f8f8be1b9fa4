import { parse } from 'csv-parse/sync';
import {
  checkedLine,
  MAX_LINE_BYTES,
  readJsonLine,
  rejection,
  type RejectedLine,
  tooLong,
} from '../../platform/http/body/json-line.js';
import { readLines, type TextLine } from '../../platform/http/body/lines.js';
import { Problem } from '../../platform/http/problem.js';
import { type MemberLine, memberLine } from './members.schema.js';

/** How a list is written. */
export type ListFormat = 'ndjson' | 'csv';

/** A member with the number of the line, from 1. */
export interface NumberedMember {
  readonly line: number;
  readonly value: MemberLine;
}

/** A line of the file that is no member: it is wrong, or it is the head of a CSV file (`undefined`). */
type ReadLine = NumberedMember | RejectedLine | undefined;

/**
 * Yields what the lines of each chunk are, from the line `from` on. Memory is bounded by one line. Throws Problem invalid_request when a CSV file has
 * no head with a column `userId`.
 */
export async function* readMembers(
  body: AsyncIterable<Uint8Array>,
  { format, from }: { readonly format: ListFormat; readonly from: number },
): AsyncGenerator<(NumberedMember | RejectedLine)[]> {
  const read = format === 'csv' ? csvReader(from) : jsonReader(from);
  for await (const lines of readLines(body, MAX_LINE_BYTES)) yield lines.flatMap((line) => read(line) ?? []);
}

const jsonReader =
  (from: number) =>
  (line: TextLine): ReadLine =>
    line.number < from ? undefined : readJsonLine(line, memberLine);

/** The first line names the columns: `userId`, and of all others what the member's data is called. A row is one line. */
function csvReader(from: number): (line: TextLine) => ReadLine {
  let columns: readonly string[] | undefined;
  return (line) => {
    if (!columns) return void (columns = columnsOf(line));
    if (line.number < from) return undefined;
    return 'tooLong' in line ? tooLong(line.number) : readRow(line, columns);
  };
}

function columnsOf(line: TextLine): string[] {
  const columns = 'tooLong' in line ? undefined : fieldsOf(line.text);
  if (columns?.includes('userId') && new Set(columns).size === columns.length) return columns;
  throw new Problem(
    'invalid_request',
    'The first line of a CSV file names the columns, each once; one of them is userId.',
  );
}

function readRow(
  { number, text }: { readonly number: number; readonly text: string },
  columns: readonly string[],
): ReadLine {
  const fields = fieldsOf(text);
  if (!fields) return rejection(number, 'invalid_request', { message: 'The line is not CSV' });
  if (fields.length !== columns.length)
    return rejection(number, 'invalid_request', {
      message: `It has ${fields.length} fields; the head has ${columns.length}`,
    });
  const row = columns.map((column, n) => [column, fields[n] ?? ''] as const);
  const data = row.filter(([column, field]) => column !== 'userId' && field !== '');
  return checkedLine(
    number,
    {
      userId: row.find(([column]) => column === 'userId')?.[1],
      ...(data.length > 0 && { data: Object.fromEntries(data) }),
    },
    memberLine,
  );
}

/** Returns the fields without white space around them; undefined for what is not CSV (RFC 4180), or cannot be stored. */
function fieldsOf(text: string): string[] | undefined {
  if (text.includes('\0')) return undefined;
  // Most lines have no quotes, and a file has millions.
  if (!text.includes('"')) return text.split(',').map((field) => field.trim());
  try {
    const [fields] = parse(text.trim(), { relax_column_count: true, trim: true }) as string[][];
    return fields;
  } catch {
    return undefined;
  }
}
