import { expect, test } from '@jest/globals';
import { DeliveryOutcomeService } from './delivery-outcome.service.js';
import { ReceiptStore } from './receipt.store.js';

test('an outcome that cannot be read at first is waited for, and not taken for no device at all', async () => {
  let reads = 0;
  const run = () => {
    reads += 1;
    if (reads === 1) return Promise.reject(new Error('the connection to PostgreSQL has ended'));
    return Promise.resolve([{ n: 0, deviceId: 'tv', state: 2 }]);
  };
  const service = new DeliveryOutcomeService(
    new ReceiptStore({ run } as never),
    {} as never,
    {
      ACK_TIMEOUT_SECONDS: 2,
    } as never,
  );
  expect(await service.waitFor([{ userId: 'ann', id: 'e', offset: 1 }])).toEqual([
    [{ deviceId: 'tv', state: 'received' }],
  ]);
});
