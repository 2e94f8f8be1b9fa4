import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

/** Blocks every write to the mailbox by a table lock. Returns the function that releases it. */
async function holdCommits() {
  const { url } = usher.database;
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE mailbox IN EXCLUSIVE MODE');
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}

describe('write before send', () => {
  test('no device receives a durable event that is not committed', async () => {
    const device = await usher.device('ann', 'tv');
    const release = await holdCommits();
    const publishing = usher.backOffice.publish([
      { userId: 'ann', type: 'note.durable', tier: 'critical', data: 1 },
      { userId: 'ann', type: 'note.routine', tier: 'routine', data: 2 },
    ]);
    try {
      // A routine event does not need the mailbox: its arrival shows that the device receives events and that time has passed.
      await usher.backOffice.publish([{ userId: 'ann', type: 'note.marker', tier: 'routine', data: 3 }]);
      await device.waitFor('note.marker');
      await eventually('the append waits for the lock', async () => {
        const waiting = await usher.database.query(
          `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'mailbox'::regclass`,
        );
        return waiting.length > 0;
      });
      expect(device.envelopes('note.durable')).toEqual([]);
    } finally {
      await release();
    }
    expect((await publishing).status).toBe(202);
    await device.waitFor('note.durable');
  });

  test('an event that could not be committed is rejected, and no device receives it', async () => {
    const device = await usher.device('ben', 'tv');
    await usher.database.query(
      `ALTER TABLE mailbox_entry ADD CONSTRAINT no_poison CHECK (type <> 'note.poison')`,
    );
    const reply = await usher.backOffice.publish([
      { userId: 'ben', type: 'note.poison', tier: 'critical', data: 1 },
    ]);
    expect(reply.status).toBe(500);
    await usher.backOffice.publish([{ userId: 'ben', type: 'note.after', tier: 'critical', data: 2 }]);
    const after = await device.waitFor('note.after');
    expect(device.envelopes().map(({ type }) => type)).toEqual(['note.after']);
    expect(after.offset).toBe(1);
  });

  test('an event that was committed by a node that then died is sent to every device by another node', async () => {
    const tv = await usher.device('cleo', 'tv');
    const phone = await usher.device('cleo', 'phone');
    // What a node leaves behind when it dies between commit and send: the event and its handoff row.
    await usher.database.query(`
      WITH counter AS (
        INSERT INTO mailbox (user_id, epoch, last_offset, bucket) SELECT 'cleo', epoch, 1, bucket_of('cleo') FROM installation
      ), entry AS (
        INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
        VALUES ('cleo', 'k', 1, gen_random_uuid(), 'note.orphan', 'critical', '{}', now(), bucket_of('cleo'))
      )
      INSERT INTO handoff (id, consumer, tier, positions) VALUES (gen_random_uuid(), 'delivery', 'critical', '[["cleo", 1]]')`);
    await Promise.all([tv.waitFor('note.orphan'), phone.waitFor('note.orphan')]);
    await eventually(
      'the handoff is settled',
      async () =>
        (await usher.database.query("SELECT 1 FROM handoff WHERE consumer = 'delivery'")).length === 0,
    );
    expect(tv.offsets()).toEqual([1]);
  });

  test('a live event with a gap before it is preceded by the missing event, read from the mailbox', async () => {
    const device = await usher.device('dora', 'tv');
    // Offset 1 is committed but never sent; offset 2 arrives live.
    await usher.database.query(`
      WITH counter AS (
        INSERT INTO mailbox (user_id, epoch, last_offset, bucket) SELECT 'dora', epoch, 1, bucket_of('dora') FROM installation
      )
      INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, bucket)
      VALUES ('dora', 'k', 1, gen_random_uuid(), 'note.lost', 'important', '{}', now(), bucket_of('dora'))`);
    await usher.backOffice.publish([{ userId: 'dora', type: 'note.live', tier: 'important', data: {} }]);
    await device.waitFor('note.live');
    expect(device.envelopes().map(({ type }) => type)).toEqual(['note.lost', 'note.live']);
  });

  test('an acknowledged event is stored as received, and a receipt only moves forward', async () => {
    const device = await usher.device('eve', 'tv');
    const { body } = await usher.backOffice.publish([
      { userId: 'eve', type: 'note.read', tier: 'important', data: {} },
    ]);
    const [accepted] = body.accepted as { id: string; offset: number }[];
    const state = async () =>
      (await usher.database.query<{ state: number }>(`SELECT state FROM receipt WHERE user_id = 'eve'`))[0]
        ?.state;
    await eventually('received', async () => (await state()) === 2);
    expect(await device.request('receipt', { ids: [accepted?.id], state: 'seen' })).toEqual({ ok: true });
    expect(await device.request('receipt', { offset: accepted?.offset, state: 'applied' })).toEqual({
      ok: true,
    });
    expect(await state()).toBe(4);
  });
});
