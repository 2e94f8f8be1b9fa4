import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type NonDelivery, prepareNonDeliveries } from '../../support/cases/non-delivery.js';
import { CommandLine } from '../../support/drivers/command-line.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FakeFcm, startFakeFcm } from '../../support/fakes/fake-fcm.js';

let usher: TestUsher;
let fcm: FakeFcm;
let line: CommandLine;
let cases: ReadonlyMap<string, NonDelivery>;
beforeAll(async () => {
  fcm = await startFakeFcm();
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1', ...fcm.environment });
  line = new CommandLine(usher.url);
  cases = await prepareNonDeliveries(usher, fcm);
}, 60_000);
afterAll(async () => {
  line.close();
  await usher.stop();
  await fcm.close();
});

/** test/browser/console.test.ts asks the console for the same cases. */
describe.each([
  'asleep',
  'expired',
  'superseded',
  'preference',
  'quiet hours',
  'token dead',
  'other user’s device',
  'budget',
  'circuit open',
])('“why did this device not get it?” of a device: %s', (name) => {
  const prepared = (): NonDelivery => {
    const found = cases.get(name);
    if (!found) throw new Error(`${name} was not prepared`);
    return found;
  };

  test('is answered by the API, alike for one event and in the timeline', async () => {
    const { userId, eventId, deviceId, why, says } = prepared();
    const told = await eventually('the reason is given', async () => {
      const path = `/v1/users/${userId}/events/${eventId}?deviceId=${deviceId}`;
      const { body } = await usher.backOffice.call('GET', path);
      const [device] = body.devices as Record<string, unknown>[];
      return device?.why === why && device;
    });
    expect(told).toMatchObject({ deviceId, why, explanation: expect.stringMatching(says) });
    const { body } = await usher.backOffice.call('GET', `/v1/users/${userId}/timeline`);
    const step = (body.timeline as { id: string; devices: Record<string, unknown>[] }[]).find(
      ({ id }) => id === eventId,
    );
    const inTimeline = step?.devices.find((device) => device.deviceId === deviceId);
    // Another user's device is no part of this one's timeline.
    expect(inTimeline?.explanation ?? 'none').toMatch(name === 'other user’s device' ? /^none$/ : says);
  });

  test('is answered by the command line, in the same words', async () => {
    const { userId, eventId, deviceId, why, says } = prepared();
    const args = ['why', eventId, deviceId, '--user', userId];
    const text = await eventually('the reason is given', async () => {
      const { stdout } = await line.usher(args);
      return says.test(stdout) && stdout;
    });
    expect(text).toContain(`${deviceId}: ${why}`);
    const { devices } = await line.json(args);
    expect(devices).toMatchObject([{ deviceId, explanation: expect.any(String) }]);
  });
});

describe('“why did this device not get it?” of an event that was never published', () => {
  test('is answered by the API and the command line, in the same words', async () => {
    const { userId, eventId, says } = cases.get('never published') as NonDelivery;
    const { status, body } = await usher.backOffice.call('GET', `/v1/users/${userId}/events/${eventId}`);
    expect({ status, ...body }).toMatchObject({ status: 404, detail: expect.stringMatching(says) });
    const asked = await line.usher(['why', eventId, '--user', userId]);
    expect(asked).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(says) });
    const ofType = await line.usher(['why', 'never.heard', '--user', userId]);
    expect(ofType).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it was never published') });
  });
});

test('an event of a user without devices says that nobody could get it', async () => {
  const { body } = await usher.backOffice.publish([
    { userId: 'case-nobody', type: 'note.added', tier: 'important', data: {} },
  ]);
  const [{ id } = { id: '' }] = body.accepted as { id: string }[];
  const { stdout } = await line.usher(['why', id, '--user', 'case-nobody']);
  expect(stdout).toContain('The user has no device, so nobody could get it.');
});
