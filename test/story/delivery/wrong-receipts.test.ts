import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
let device: Device;
beforeAll(async () => {
  usher = await startUsher();
  device = await usher.device('ann', 'tv');
});
afterAll(() => usher.stop());

const ID = '00000000-0000-4000-8000-000000000000';

describe('a wrong receipt is refused by the name of the field that is wrong', () => {
  test.each<[what: string, path: string, receipt: Record<string, unknown>]>([
    ['an offset of zero', 'offset', { offset: 0, state: 'seen' }],
    ['an offset as text', 'offset', { offset: '1', state: 'seen' }],
    ['an id that is none', 'ids.1', { ids: [ID, 'x'], state: 'seen' }],
    ['ids that are no list', 'ids', { ids: ID, state: 'seen' }],
    ['no ids', 'ids', { ids: [], state: 'seen' }],
    ['an unknown state', 'state', { ids: [ID], state: 'loved' }],
    ['no state', 'state', { offset: 1 }],
    ['neither offset nor ids', 'offset', { state: 'seen' }],
  ])('%s', async (_, path, receipt) => {
    const reply = await usher.callAs('ann', 'POST', '/v1/me/receipts', { deviceId: 'tv', ...receipt });
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body.errors).toEqual([{ path, message: expect.stringMatching(/./) }]);
    expect(reply.body.detail).toMatch(new RegExp(`^${path}: `));
    const { error } = await device.request('receipt', receipt);
    expect(error).toMatchObject({ code: 'invalid_request', message: reply.body.detail });
  });

  test('a device id that is none', async () => {
    const receipt = { deviceId: 'a b', ids: [ID], state: 'seen' };
    const { body } = await usher.callAs('ann', 'POST', '/v1/me/receipts', receipt);
    expect(body.errors).toMatchObject([{ path: 'deviceId' }]);
  });
});
