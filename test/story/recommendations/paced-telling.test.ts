import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { metric } from '../../support/metric.js';

/** Users whose turns are in the last third of the time (crc32 of their ids), and so many others that it lasts some minutes. */
const LATE = ['ann', 'dora', 'eve', 'jon'];
const CROWD = Array.from({ length: 1_000 }, (_, n) => `crowd-${n}`);

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ RECOMMENDATIONS_PER_SECOND: '1', RECOMMENDATIONS_WINDOW_SECONDS: '3600' });
  await usher.database.query('CREATE TABLE handed_off (consumer text, waits_s float8)');
  await usher.database.query(
    `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO handed_off VALUES (NEW.consumer, extract(epoch FROM NEW.created_at - now())); RETURN NEW; END $$`,
  );
  await usher.database.query(
    'CREATE TRIGGER keep AFTER INSERT ON handoff FOR EACH ROW EXECUTE FUNCTION keep()',
  );
});
afterAll(() => usher.stop());

const page = (userId: string, version: number) => ({ userId, version, items: [{ titleId: 'dark' }] });
const held = () => metric(usher, 'usher_events_held');
const note = (userId: string, tier: string) => ({ userId, type: 'note.written', tier, data: {} });
const seen = (device: { envelopes(): { type: string; offset: number }[] }) =>
  device.envelopes().map(({ type, offset }) => [type, offset]);

describe('the users of a large nightly file', () => {
  test('are told later, each once: by their turn, by what else they are sent, or by catching up', async () => {
    const asks = { categories: { recommendations: { channels: { push: true } } } };
    await usher.callAs('dora', 'PUT', '/v1/me/preferences', asks);
    const device = (userId: string) => usher.device(userId, `${userId}-tv`);
    const [ann, dora] = await Promise.all([device('ann'), device('dora'), device('eve')]);
    const reply = await usher.backOffice.recommend([...LATE, ...CROWD].map((userId) => page(userId, 1)));
    expect(reply.body).toMatchObject({ accepted: LATE.length + CROWD.length });
    await eventually('the connected users wait, and nobody else', async () => (await held()) === 3);

    // What is read meanwhile has the page.
    const phone = await usher.device('ann', 'ann-phone');
    expect((await phone.waitFor('snapshot')).entries).toMatchObject([{ offset: 1, data: { version: 1 } }]);
    expect((await usher.callAs('ann', 'GET', '/v1/me/recommendations/main')).body).toMatchObject({
      version: 1,
    });

    // What is sent later does not wait, and nothing comes out of order or twice.
    await usher.backOffice.publish([note('ann', 'critical'), note('dora', 'important')]);
    await ann.waitFor('note.written');
    await dora.waitFor('note.written');
    await phone.waitFor('note.written');
    expect(await held()).toBe(1);
    for (const device of [ann, dora])
      expect(seen(device)).toEqual([
        ['recommendations.ready', 1],
        ['note.written', 2],
      ]);
    expect(seen(phone)).toEqual([['note.written', 2]]);
  });

  test('are not told or pushed earlier by the sweep or the scheduler of pushes, when a node has died meanwhile', async () => {
    const rows = await usher.database.query<{ consumer: string; waits_s: number }>(
      'SELECT consumer, waits_s FROM handed_off WHERE waits_s > 1',
    );
    expect(new Set(rows.map(({ consumer }) => consumer))).toEqual(new Set(['delivery', 'push']));
    for (const { waits_s } of rows) expect(waits_s).toBeGreaterThan(499);
  });
});

describe('the users of a small nightly file', () => {
  test('are told at once, although those of a large one still wait', async () => {
    const eve = await usher.device('eve', 'eve-phone');
    await eve.waitFor('snapshot');
    await usher.backOffice.recommend([page('eve', 2)]);
    await eve.waitFor('recommendations.ready', ({ data }) => data.version === 2);
    expect(await held()).toBe(0);
  });
});

describe('when the time is short', () => {
  test('each connected device is told once, on whatever node it is', async () => {
    const [first, second] = [usher, await usher.another({ RECOMMENDATIONS_WINDOW_SECONDS: '1' })];
    const users = Array.from({ length: 12 }, (_, n) => `quick-${n}`);
    const devices = await Promise.all(
      users.flatMap((id) => [first.device(id, `${id}-tv`), second.device(id, `${id}-phone`)]),
    );
    await second.backOffice.recommend(users.map((userId) => page(userId, 1)));
    await eventually('all are told', () =>
      devices.every((device) => device.envelopes('recommendations.ready').length === 1),
    );
    for (const node of [first, second])
      await eventually('nothing waits', async () => (await metric(node, 'usher_events_held')) === 0);
    await usher.backOffice.publish(users.map((userId) => note(userId, 'important')));
    await eventually('all have the next event', () =>
      devices.every((device) => device.envelopes('note.written').length === 1),
    );
    for (const device of devices) expect(device.offsets()).toEqual([1, 2]);
  });
});
