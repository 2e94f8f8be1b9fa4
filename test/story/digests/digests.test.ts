import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const EVENING = { categories: ['promo'], cadence: 'daily', at: '17:00', group: 'type', optIn: false };
const call = (method: string, path: string, body?: unknown) => usher.backOffice.call(method, path, body);
const previewOf = async (userId: string) =>
  (await call('GET', `/v1/users/${userId}/digests/evening/preview`)).body;

test('the back office defines a digest, sees a user’s next one and how many are due; the timeline says what became of it', async () => {
  const put = await call('PUT', '/v1/digests/evening', EVENING);
  expect(put.status).toBe(200);
  const defaults = { types: [], maxItems: 20, order: 'newest', channels: ['push'] };
  const defined = { name: 'evening', ...EVENING, ...defaults };
  expect(put.body).toEqual({ ...defined, updatedAt: expect.any(String) });
  expect((await call('GET', '/v1/digests')).body).toEqual({ digests: [put.body] });
  expect(await previewOf('ada')).toMatchObject({ status: 'not_planned', timezone: 'UTC' });

  await usher.callAs('ada', 'PUT', '/v1/me/devices/phone', { platform: 'ios', timezone: 'Asia/Kathmandu' });
  await usher.backOffice.publish([
    { userId: 'ada', type: 'promo.started', tier: 'important', key: 'promo', data: { title: 'Free week' } },
    { userId: 'ada', type: 'other.news', tier: 'important', key: 'other', data: { title: 'Other' } },
  ]);
  const preview = await eventually('it is planned', async () => {
    const body = await previewOf('ada');
    return body.status === 'planned' && body;
  });
  expect(preview).toMatchObject({
    timezone: 'Asia/Kathmandu',
    data: {
      count: 1,
      title: 'Free week',
      items: [{ group: 'promo.started', title: 'Free week', key: 'promo' }],
    },
  });
  // 17:00 in Nepal, a quarter to twelve in UTC, and at most half an hour later.
  expect(String(preview.dueAt)).toMatch(/T11:(1[5-9]|[234]\d)/);
  const forecast = await eventually('all are planned', async () => {
    const { body } = await call('GET', '/v1/digests/evening/forecast');
    return body.due === 0 && (body as { hours: { planned: number; lateSeconds: number }[] });
  });
  expect(forecast.hours).toHaveLength(24);
  expect(forecast.hours.reduce((sum, { planned }) => sum + planned, 0)).toBe(1);
  expect(Math.max(...forecast.hours.map(({ lateSeconds }) => lateSeconds))).toBe(0);

  // It is due now: the worker needs no clock of ours for this.
  await usher.database.query(
    `UPDATE digest_plan SET next_run_at = now(), last_date = ((now() AT TIME ZONE 'Asia/Kathmandu')::date - 3)::text WHERE user_id = 'ada'`,
  );
  const step = await eventually('the digest is in the timeline', async () => {
    const { timeline } = (await call('GET', '/v1/users/ada/timeline')).body as {
      timeline: Record<string, unknown>[];
    };
    return timeline.find((one) => one.step === 'digest');
  });
  expect(step).toMatchObject({
    digest: 'evening',
    state: 'handed_off',
    events: 1,
    timezone: 'Asia/Kathmandu',
  });
  const event = (await call('GET', `/v1/users/ada/events/${String(step.eventId)}`)).body;
  expect(event).toMatchObject({ type: 'digest.ready', key: 'digest:evening', tier: 'important' });
  expect(await previewOf('ada')).toMatchObject({ status: 'empty' });

  expect((await call('DELETE', '/v1/digests/evening')).status).toBe(204);
  expectProblem(await call('GET', '/v1/digests/evening'), 404, 'not_found');
  expectProblem(await call('DELETE', '/v1/digests/evening'), 404, 'not_found');
});

test.each([
  ['that collects nothing', { ...EVENING, categories: [] }],
  ['that collects digests', { ...EVENING, categories: ['digest'] }],
  ['that collects digests by their type', { ...EVENING, types: ['digest.ready'] }],
  ['at a time that no clock shows', { ...EVENING, at: '24:00' }],
  ['that is weekly without a weekday', { ...EVENING, cadence: 'weekly' }],
  ['that is daily with a weekday', { ...EVENING, weekday: 'friday' }],
  ['with more items than fit', { ...EVENING, maxItems: 51 }],
  ['with a field that is misspelt', { ...EVENING, categorys: ['promo'] }],
])('a digest %s is refused', async (_, body) => {
  expectProblem(await call('PUT', '/v1/digests/wrong', body), 400, 'invalid_request');
});
