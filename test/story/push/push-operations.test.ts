import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { noteFor, pushStates, registerPhone, waitForPushState } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
let other: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
  // Only the first one sends pushes, and knows what their lock screens show.
  other = await usher.another({ ROLES: 'api' });
}, 60_000);
afterAll(() => usher.stop());

const important = (userId: string, changes: Record<string, unknown> = {}) =>
  noteFor(userId, { tier: 'important', key: 'note', ...changes });
async function publish(event: Record<string, unknown>): Promise<string> {
  const { body } = await usher.backOffice.publish([event]);
  return (body.accepted as { id: string }[])[0]?.id ?? '';
}
const because = { 'usher-reason': 'a wrong campaign' };
const pausing = (method: 'PUT' | 'DELETE', body?: unknown, vendor = 'fcm') =>
  other.backOffice.call(method, `/v1/push/pauses/${vendor}`, body, because);
const outcomeOf = async (userId: string, eventId: string) => {
  const { body } = await usher.backOffice.call('GET', `/v1/users/${userId}/events/${eventId}`);
  return (body.devices as { deviceId: string; why?: string; explanation: string }[])[0];
};
/** Waits until the workers have looked several times for pushes that are due. */
async function afterSeveralLooks() {
  const looks = () => metric(usher, 'usher_statement_seconds_count', { statement: 'list-due-providers' });
  const before = await looks();
  await eventually('the workers looked for due pushes', async () => (await looks()) > before + 5);
}

describe('pushes of a provider that is paused', () => {
  test('wait on all nodes, critical ones do not, and are sent when it is resumed', async () => {
    const phone = await registerPhone(usher, 'ann', 'ann-phone');
    expect((await pausing('PUT', {})).body).toMatchObject({ vendor: 'fcm', critical: false });
    const waiting = await publish(important('ann'));
    await waitForPushState(usher, 'ann-phone', 'queued');
    await afterSeveralLooks();
    const told = await outcomeOf('ann', waiting);
    expect(told).toMatchObject({
      why: 'push_paused',
      explanation: expect.stringMatching(
        /pushes by fcm are paused since .* UTC\. .* once somebody resumes them/,
      ),
    });
    await publish(noteFor('ann', { key: 'urgent' }));
    await phone.waitForNotifications(1);
    expect((await pausing('DELETE')).status).toBe(204);
    await phone.waitForNotifications(2);
  });

  test('wait with those of critical events, too, if that is wanted, and the overview tells it', async () => {
    const phone = await registerPhone(usher, 'ben', 'ben-phone');
    await pausing('PUT', { critical: true });
    await publish(noteFor('ben'));
    await waitForPushState(usher, 'ben-phone', 'queued');
    await afterSeveralLooks();
    expect((await phone.lockScreen()).arrived).toEqual([]);
    const overview = await eventually('the overview knows', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/operations/overview');
      const fcm = (body.push as { vendor: string; paused: unknown }[]).find(({ vendor }) => vendor === 'fcm');
      return fcm?.paused;
    });
    expect(overview).toMatchObject({ critical: true, since: expect.any(String) });
    await pausing('DELETE');
    await phone.waitForNotifications(1);
  });

  test('is a provider that there is, and needs a reason', async () => {
    expectProblem(await pausing('PUT', {}, 'pigeon'), 404, 'not_found');
    const silent = await usher.backOffice.call('PUT', '/v1/push/pauses/fcm', {});
    expectProblem(silent, 400, 'invalid_request');
  });
});

describe('an event that is resent', () => {
  const resend = (userId: string, eventId: string, body: unknown = {}) =>
    other.backOffice.call('POST', `/v1/users/${userId}/events/${eventId}/resend`, body, {
      'usher-reason': 'case 4711',
    });

  test('is pushed once more to a device whose push was refused, and then mended', async () => {
    const phone = await registerPhone(usher, 'cem', 'cem-phone');
    await phone.setProviderOutcome({ is: 'rejected', reason: 'too_large' });
    const id = await publish(noteFor('cem'));
    await waitForPushState(usher, 'cem-phone', 'failed', 'too_large');
    expect(await outcomeOf('cem', id)).toMatchObject({ why: 'push_failed' });
    await phone.setProviderOutcome(null);
    expect(await resend('cem', id)).toMatchObject({
      status: 202,
      body: { id, offset: 1, devices: [{ deviceId: 'cem-phone', by: 'push' }] },
    });
    await phone.waitForNotifications(1);
    expect(await pushStates(usher, 'cem-phone')).toHaveLength(1);
  });

  test('comes once more over a connection of any node, with its id and offset, and to no device that has it', async () => {
    const deaf = await usher.device('dora', 'dora-tv', { acks: false });
    const good = await usher.device('dora', 'dora-web');
    const id = await publish(important('dora'));
    await publish(important('dora', { key: 'later' }));
    await good.waitFor('note.written', ({ offset }) => offset === 2);
    await eventually(
      'it was sent in vain',
      async () => (await outcomeOf('dora', id))?.why === 'not_acknowledged',
    );
    const before = deaf.envelopes('note.written').filter((one) => one.id === id).length;
    const { body } = await resend('dora', id);
    expect(body.devices).toEqual([
      { deviceId: 'dora-tv', by: 'connection' },
      { deviceId: 'dora-web', by: 'nothing' },
    ]);
    const again = await eventually('it came again', () => {
      const all = deaf.envelopes('note.written').filter((one) => one.id === id);
      return all.length > before && all;
    });
    expect(new Set(again.map(({ offset }) => offset))).toEqual(new Set([1]));
    expect(good.envelopes('note.written').map(({ offset }) => offset)).toEqual([1, 2]);
    expect((await resend('dora', id, { deviceId: 'dora-web' })).body.devices).toEqual([
      { deviceId: 'dora-web', by: 'nothing' },
    ]);
  });

  test('is still there, and for a device that there is', async () => {
    await registerPhone(usher, 'eli', 'eli-phone');
    const first = await publish(important('eli'));
    const second = await publish(important('eli'));
    expectProblem(await resend('eli', first), 409, 'conflict');
    expectProblem(await resend('eli', randomUUID()), 404, 'not_found');
    expectProblem(await resend('eli', second, { deviceId: 'nobodys' }), 422, 'unknown_device');
  });
});

describe('the results of pushes', () => {
  test('count what became of them by provider and reason, and say how to mend what we have set wrongly', async () => {
    const phone = await registerPhone(usher, 'fay', 'fay-phone');
    await phone.setProviderOutcome({ is: 'misconfigured', reason: 'SENDER_ID_MISMATCH' });
    await publish(noteFor('fay'));
    const fcm = await eventually('they are counted', async () => {
      const { body } = await other.backOffice.call('GET', '/v1/push/results');
      const found = (body.vendors as { vendor: string; results: { reason: string | null }[] }[]).find(
        ({ vendor }) => vendor === 'fcm',
      );
      return found?.results.some(({ reason }) => reason === 'SENDER_ID_MISMATCH') && found;
    });
    expect(fcm).toMatchObject({
      hour: { delivered: expect.any(Number), failed: 1 },
      day: { delivered: expect.any(Number), failed: 1 },
      results: expect.arrayContaining([
        { state: 'failed', reason: 'too_large', hour: 1, day: 1 },
        expect.objectContaining({
          state: 'queued',
          reason: 'SENDER_ID_MISMATCH',
          fix: expect.stringContaining('FCM_CREDENTIALS'),
        }),
      ]),
    });
  });
});
