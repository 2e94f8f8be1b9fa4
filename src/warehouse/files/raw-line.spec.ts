import { expect, test } from '@jest/globals';
import { decrypt } from '../../platform/crypto/aes-gcm.js';
import { rawLine } from './raw-line.js';

const record = {
  order: 'o',
  table: 'device',
  op: 'insert',
  lsn: 255n,
  committedAt: '2026-11-26T21:00:00.000Z',
  xid: 7,
  schema: 'abcd',
  row: { user_id: 'ada', platform: 'web' },
} as const;
const origin = { slot: 's', producer: 'usher/a', file: 'f', n: 1 };
const parsed = (...args: Parameters<typeof rawLine>) =>
  JSON.parse(rawLine(...args)) as Record<string, string>;

test('the row of a user can be read with their key only', () => {
  const key = new Uint8Array(32).fill(1);
  const { sealed, ...others } = parsed(record, { keyId: 'k', key }, origin);
  expect(JSON.stringify(others)).not.toContain('ada');
  expect(others).toMatchObject({ id: 's.o', key_id: 'k', lsn: '00000000000000ff', op: 'insert', xid: 7 });
  expect(decrypt(key, Buffer.from(sealed ?? '', 'base64'))).toBe(JSON.stringify(record.row));
});

test('of a user who was erased no row is written', () => {
  const line = parsed(record, { keyId: 'k', key: undefined }, origin);
  expect(line).toMatchObject({ key_id: 'k', is_erased: true });
  expect(line).not.toHaveProperty('row');
  expect(line).not.toHaveProperty('sealed');
});

test('the row of nobody is written as it is', () => {
  expect(parsed(record, undefined, origin).row).toEqual(record.row);
});
