import { expect, test } from '@jest/globals';
import { deriveKey } from '../../platform/crypto/aes-gcm.js';
import { openPlace, sealPlace, type TrackedPlace } from './tracking-token.js';

const keyOf = (secret: string) => deriveKey({ secret, salt: '', info: 'usher tracking' });
const [before, now] = [keyOf('the key of before'), keyOf('the key of now')];
const PLACE: TrackedPlace = {
  messageId: 'm1',
  place: 1,
  userId: 'ada',
  day: '2026-11-26',
  channel: 'email',
  campaign: 'autumn',
  url: 'https://example.com/shows?id=1&x=ü',
};

test('a token says what it was made of, also when its key was replaced since', () => {
  expect(openPlace(sealPlace(PLACE, now), [now])).toEqual(PLACE);
  expect(openPlace(sealPlace(PLACE, before), [now, before])).toEqual(PLACE);
});

test('it does not show whom it is about, and no two are alike', () => {
  const [one, other] = [sealPlace(PLACE, now), sealPlace(PLACE, now)];
  expect(one).not.toBe(other);
  expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('ada');
});

test('there is one spelling of a token, whatever its length', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
  for (const messageId of ['m', 'mm', 'mmm']) {
    const token = sealPlace({ ...PLACE, messageId }, now);
    const opening = alphabet.filter((last) => openPlace(token.slice(0, -1) + last, [now]));
    expect(opening).toEqual([token.at(-1)]);
  }
});

test('nothing else opens: not a changed one, not one of another key, not another spelling', () => {
  const token = sealPlace(PLACE, now);
  for (let n = 0; n < token.length; n += 7) {
    const changed = `${token.slice(0, n)}${token[n] === 'A' ? 'B' : 'A'}${token.slice(n + 1)}`;
    expect(openPlace(changed, [now])).toBeUndefined();
  }
  expect(openPlace(token, [before])).toBeUndefined();
  for (const wrong of ['', 'x', `${token}=`, `${token} `, token.slice(1), 'A'.repeat(5_000)])
    expect(openPlace(wrong, [now])).toBeUndefined();
});
