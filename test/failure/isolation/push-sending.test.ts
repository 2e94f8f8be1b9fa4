import { expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PushProvidersService } from '../../../src/push/providers/push-providers.service.js';
import { DELIVERED } from '../../../src/platform/sending/send-result.js';
import type { PreparedPush } from '../../../src/push/queue/push.js';
import { PushSenderService } from '../../../src/push/sending/push-sender.service.js';

const prepared = (eventId: string): PreparedPush =>
  ({
    push: { eventId, deviceId: 'phone', action: 'show' },
    message: { to: { kind: 'fcm_token', address: eventId } },
  }) as PreparedPush;

test('a push whose sending throws is settled as failed, and the others of its batch as what became of them', async () => {
  Logger.overrideLogger(false);
  // No provider has credentials here, so all goes through the stand-in.
  const providers = new PushProvidersService([], {} as never, {} as never, {} as never, {
    send: ({ to }) => {
      if (to.address === 'throws') throw new Error('of its own');
      return to.address === 'rejects' ? Promise.reject(new Error('later')) : Promise.resolve(DELIVERED);
    },
  });
  const sender = new PushSenderService(
    providers,
    {} as never,
    {} as never,
    {} as never,
    {} as never,
    {} as never,
  );
  const settled = [];
  for await (const group of sender.send('important', ['good', 'throws', 'rejects', 'fine'].map(prepared)))
    settled.push(...group.map(([{ eventId }, settlement]) => [eventId, settlement.state, settlement.reason]));
  expect(settled.sort()).toEqual([
    ['fine', 'delivered', undefined],
    ['good', 'delivered', undefined],
    ['rejects', 'failed', 'internal'],
    ['throws', 'failed', 'internal'],
  ]);
});
