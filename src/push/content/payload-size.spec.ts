import { describe, expect, test } from '@jest/globals';
import { toApnsNotification } from '../providers/apns/apns-notification.js';
import { toFcmMessage } from '../providers/fcm/fcm-message.js';
import { certainlyFits } from './payload-size.js';
import type { PushMessage } from '../providers/push-provider.js';

const MAX = 4_096;
const message = (body: string): PushMessage => ({
  to: { kind: 'apns', address: 'a' },
  show: { title: 'Hello', body },
  data: { id: '6f1c', type: 'note.written', userId: 'ann' },
  badge: 1_000,
  urgency: 'high',
});

describe('what surely fits', () => {
  test('fits in every vendor’s words, whatever its characters', () => {
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

  test('is what lock screens show; what is too large is not', () => {
    expect(certainlyFits(message('x'.repeat(300)), MAX)).toBe(true);
    expect(certainlyFits(message('x'.repeat(MAX)), MAX)).toBe(false);
  });
});
