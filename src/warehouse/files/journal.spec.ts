import { expect, test } from '@jest/globals';
import { type RawRecord, snapshotOrder, streamOrder } from '../capture/raw-record.js';
import { advanced, EMPTY_JOURNAL, isWritten } from './journal.js';

const record = (commit: bigint, n: number, table = 'plan', committedAt = '2026-11-26T21:59:00.000Z') =>
  ({ order: streamOrder(commit, n), table, committedAt }) as RawRecord;
const file = (last: RawRecord, path = 'plan/date=2026-11-26/hour=21/x.ndjson.gz') => ({
  path,
  last: last.order,
});

test('nothing is written at the beginning', () => {
  expect(isWritten(EMPTY_JOURNAL, record(1n, 0))).toBe(false);
});

test('a record is written up to the place of the journal, and within the files that are ahead of it', () => {
  const journal = advanced(EMPTY_JOURNAL, record(10n, 0).order, [file(record(20n, 3))]);
  expect(isWritten(journal, record(10n, 0))).toBe(true);
  expect(isWritten(journal, record(20n, 3))).toBe(true);
  expect(isWritten(journal, record(20n, 4))).toBe(false);
});

test('a file says nothing of another table, nor of another hour', () => {
  const journal = advanced(EMPTY_JOURNAL, '', [file(record(20n, 3))]);
  expect(isWritten(journal, record(15n, 0, 'receipt'))).toBe(false);
  expect(isWritten(journal, record(15n, 0, 'plan', '2026-11-26T22:00:00.000Z'))).toBe(false);
});

test('files are forgotten once the journal has passed them', () => {
  const before = advanced(EMPTY_JOURNAL, '', [file(record(20n, 3)), file(record(30n, 0))]);
  expect(advanced(before, record(20n, 3).order, []).files).toEqual([file(record(30n, 0))]);
});

test('rows of a snapshot sort before the changes of the same place', () => {
  expect(snapshotOrder(7n, 9) < streamOrder(7n, 0)).toBe(true);
  expect(streamOrder(6n, 9) < snapshotOrder(7n, 0)).toBe(true);
});
