import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CommandLine } from '../support/drivers/command-line.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { expectNoSecrets } from '../support/expectations.js';

let usher: TestUsher;
let line: CommandLine;
beforeAll(async () => {
  usher = await startUsher();
  line = new CommandLine(usher.url);
});
afterAll(async () => {
  line.close();
  await usher.stop();
});

describe('usher publish', () => {
  test('publishes an event to the devices of a user and says what each of them got', async () => {
    await usher.device('ann', 'ann-tv');
    const { exitCode, stdout } = await line.usher([
      'publish',
      'ann',
      'promo.started',
      '{"title":"Free week"}',
      '--wait',
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\S+ is stored at offset 1\n {2}ann-tv {2}received\n$/);
    const [entry] = (await usher.state('ann')).entries;
    expect(entry).toMatchObject({ type: 'promo.started', tier: 'important', data: { title: 'Free week' } });
  });

  test('reads the data from its input, and prints the answer of the API alone with --json', async () => {
    const answer = await line.json(['publish', 'bob', 'promo.started', '-'], { input: '{"a":1}' });
    expect(answer).toEqual({ accepted: [{ id: expect.any(String), offset: 1 }] });
  });

  test('has no second effect with the same idempotency key', async () => {
    const publish = () => line.json(['publish', 'cid', 'promo.started', '--idempotency-key', 'once']);
    expect(await publish()).toEqual(await publish());
    expect((await usher.state('cid')).position.offset).toBe(1);
  });

  test('ends with 1 when it is refused, and says the code, the reason and what to do', async () => {
    const { exitCode, stdout, stderr } = await line.usher([
      'publish',
      'ann',
      'promo.started',
      '--device',
      'nobodys',
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^unknown_device \(422\): .+\n`usher user <user>` lists the devices\.\n/);
  });

  test('ends with 2 when it is typed wrongly, and sends nothing', async () => {
    expect((await line.usher(['publish', 'ann'])).exitCode).toBe(2);
    expect((await line.usher(['publish', 'ann', 'promo.started', '{'])).exitCode).toBe(2);
    expect((await line.usher(['publish', 'ann', 'promo.started', '--tier', 'urgent'])).exitCode).toBe(2);
    expect((await line.usher(['publish', 'ann', 'promo.started', '--expires-in', '7'])).exitCode).toBe(2);
  });
});

describe('usher token', () => {
  test('signs a token that this Usher accepts as the user', async () => {
    const { stdout } = await line.usher(['token', 'dan', '--expires', '5m']);
    const headers = { authorization: `Bearer ${stdout.trim()}` };
    const response = await fetch(`${usher.url}/v1/me/state`, { headers });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ entitlement: { userId: 'dan' } });
  });
});

describe('usher keys', () => {
  test('makes a key that is printed once, and revokes it', async () => {
    const { stdout, stderr } = await line.usher(['keys', 'create', 'nightly', '--scope', 'read']);
    const key = stdout.trim();
    expect(key).toMatch(/^usk_/);
    expectNoSecrets({ key }, stderr);
    const env = { ...line.env, USHER_SERVICE_KEY: key };
    expect((await line.usher(['user', 'ann'], { env })).exitCode).toBe(0);
    const refused = await line.usher(['publish', 'ann', 'promo.started'], { env });
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('forbidden (403)') });
    const [, id = ''] = /^usk_([^_]+)_/.exec(key) ?? [];
    expect((await line.usher(['keys', 'revoke', id])).exitCode).toBe(0);
    expect((await line.usher(['keys', 'revoke', id])).exitCode).toBe(1);
  });
});

describe('usher user', () => {
  test('shows the membership and the devices, and no control characters of their names', async () => {
    await usher.callAs('eve', 'PUT', '/v1/me/devices/eve-tv', { platform: 'tv', name: 'Living\u202e room' });
    const { stdout } = await line.usher(['user', 'eve']);
    expect(stdout).toContain('Membership  none, version 0');
    expect(stdout).toContain('eve-tv  tv  Living\\u202e room  none');
  });
});
