import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { plainWordsOf } from '../../templates/content/plain-words.js';
import type { Push } from '../queue/push.js';
import { renderPush } from './render-push.js';

const push = {
  userId: 'u'.repeat(64),
  eventId: '00000000-0000-4000-8000-000000000000',
  key: 'k'.repeat(200),
  type: `t.${'x'.repeat(62)}`,
  tier: 'critical',
  epoch: 'fd351682a232',
  offset: 9_007_199_254_740_991,
  action: 'show',
  expiresAt: new Date(),
  unseen: 99,
  locale: 'en',
} as unknown as Push;
const to = { kind: 'apns', address: 'a' } as const;

test('the text of a push fits every provider whatever its length, and no character is halved', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 2_000 });
  fc.assert(
    fc.property(text, text, (title, body) => {
      const words = plainWordsOf({ title, body });
      const { to: _, ...message } = renderPush(push, to, words);
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(3_500);
      expect(JSON.stringify(message)).not.toMatch(/\\ud[89a-f]/);
      expect(Buffer.byteLength(message.collapseId ?? '')).toBeLessThanOrEqual(32);
    }),
  );
});

test('a push counts itself on the icon if it shows words; one that wakes the app silently leaves the number to the app', () => {
  const shown = renderPush(push, to, { title: 'a', body: 'b' });
  const silent = renderPush(push, to, undefined);
  expect([shown.badge, silent.show, silent.badge]).toEqual([100, 'background', undefined]);
});
