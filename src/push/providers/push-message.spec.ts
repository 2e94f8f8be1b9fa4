import { describe, expect, test } from '@jest/globals';
import { toApnsNotification } from './apns/apns-notification.js';
import { toFcmMessage } from './fcm/fcm-message.js';
import { certainlyFits, type PushMessage } from './push-message.js';

const MAX = 4_096;
const message = (body: string): PushMessage => ({
  to: { kind: 'apns', address: 'a' },
  show: { title: 'Hello', body },
  data: { id: '6f1c', type: 'note.written', userId: 'ann' },
  badge: 1_000,
  urgency: 'high',
});

describe('a message that certainly fits', () => {
  test('fits once encoded for every provider, whatever its characters', () => {
    for (const character of ['x', '"', '\u0001', 'ä', '語', '😀']) {
      for (let length = 1; certainlyFits(message(character.repeat(length)), MAX); length += 7) {
        const fitting = message(character.repeat(length));
        expect(toApnsNotification(fitting)).not.toHaveProperty('is');
        expect(toFcmMessage({ ...fitting, to: { kind: 'fcm_token', address: 'a' } }, 0)).not.toHaveProperty(
          'is',
        );
      }
    }
  });

  test('has the length of an ordinary notification; one that is too large does not certainly fit', () => {
    expect(certainlyFits(message('x'.repeat(300)), MAX)).toBe(true);
    expect(certainlyFits(message('x'.repeat(MAX)), MAX)).toBe(false);
  });
});
