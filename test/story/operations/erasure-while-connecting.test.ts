import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';

let usher: TestUsher;
let another: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  another = await usher.another();
});
afterAll(() => usher.stop());

const publish = (text: string) =>
  usher.backOffice.publish([{ userId: 'ann', type: 'note.one', tier: 'important', data: { text } }]);
/** The texts of the events that it was sent, by themselves or with the state. */
const textsOf = ({ received }: Device): unknown[] =>
  received
    .flatMap(({ event, payload }) =>
      event === 'snapshot' ? (payload.entries as { data: unknown }[]) : [payload],
    )
    .map(({ data }) => (data as { text?: string } | undefined)?.text);

/** Waits until the device has the event, as an app does: once it is disconnected, it connects again from where it was. */
async function waitForEvent(node: TestUsher, first: Device, text: string): Promise<void> {
  let device = first;
  const { epoch, offset } = await first.waitFor('welcome');
  await eventually(`${first.id} has the event`, async () => {
    if (!device.socket.connected)
      device = await node.device('ann', first.id, { position: { epoch, offset } });
    return textsOf(device).includes(text);
  });
}

test('devices that connect with a new token while their user is erased get what is published afterwards', async () => {
  for (const text of ['one', 'two', 'three']) await publish(text);
  const release = await usher.database.holdTransaction(
    `SELECT FROM mailbox WHERE user_id = 'ann' FOR UPDATE`,
  );
  const erasing = usher.backOffice.call('DELETE', '/v1/users/ann');
  await eventually('the erasure has come to the mailbox', () => isWaitingForLock(usher.database));
  const here = await usher.device('ann', 'ann-tv');
  const there = await another.device('ann', 'ann-phone');
  for (const device of [here, there]) {
    await device.waitFor('snapshot');
    expect(textsOf(device)).toContain('three');
  }
  await release();
  expect((await erasing).status).toBe(204);
  await publish('anew');
  await waitForEvent(usher, here, 'anew');
  await waitForEvent(another, there, 'anew');
});
