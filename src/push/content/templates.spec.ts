import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderPush } from './render-push.js';
import type { Push } from '../queue/push.js';
import { renderText } from './templates.js';

describe('the text of a push', () => {
  test('of a membership names its status, in the language of the device', () => {
    expect(renderText('membership.changed', { status: 'canceled' }, 'de-AT')).toEqual({
      title: 'Deine Mitgliedschaft',
      body: 'Deine Mitgliedschaft ist beendet.',
    });
    const ending = { status: 'active', cancelAt: '2026-12-01T00:00:00.000Z' };
    expect(renderText('membership.changed', ending, 'en')?.body).toBe(
      'Your membership ends with the paid period.',
    );
    expect(renderText('membership.changed', { status: 'past_due' }, 'en-GB')?.body).toMatch(/payment/);
  });

  test.each(['fi', 'den', null])('is English for a device whose locale is %s', (locale) => {
    expect(renderText('recommendations.ready', {}, locale)?.title).toBe('New for you');
  });

  test('of a back office is taken from its data, and nothing in it is a template', () => {
    expect(renderText('promo.started', { title: '{{secret}} <b>', text: 'A %s ${x}' }, 'de')).toEqual({
      title: '{{secret}} <b>',
      body: 'A %s ${x}',
    });
  });

  test.each([{}, null, [], 'text', { title: 7, body: {} }, { title: '  ' }])(
    'is undefined for %j',
    (data) => {
      expect(renderText('promo.started', data, 'en')).toBeUndefined();
    },
  );

  test('fits every provider whatever its length, and no character is halved', () => {
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
    const text = fc.string({ unit: 'grapheme', maxLength: 2_000 });
    fc.assert(
      fc.property(text, text, (title, body) => {
        const { to: _, ...message } = renderPush(
          { ...push, data: { title, body } },
          { kind: 'apns', address: 'a' },
        );
        expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(3_500);
        expect(JSON.stringify(message)).not.toMatch(/\\ud[89a-f]/);
        expect(Buffer.byteLength(message.collapseId ?? '')).toBeLessThanOrEqual(32);
      }),
    );
  });
});
