import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CommandLine, startWithCommandLine } from '../support/drivers/command-line.js';
import { connectEdge } from '../support/drivers/edge-socket.js';
import type { TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { expectNoSecrets } from '../support/expectations.js';

let usher: TestUsher;
let line: CommandLine;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ usher, line, stop } = await startWithCommandLine({ ACK_TIMEOUT_SECONDS: '1' }));
});
afterAll(() => stop());

describe('what needs a reason', () => {
  const REASON_MISSING = {
    exitCode: 2,
    stdout: '',
    stderr: "This needs --reason '…': say why, for the audit.\n",
  };

  test.each([
    'push pause fcm',
    'push resume fcm',
    'campaign pause advent',
    'campaign resume advent',
    'campaign abort advent',
    'broadcast withdraw 7f3c2a10-0000-7000-8000-000000000000',
    'resend 7f3c2a10-0000-7000-8000-000000000000 --user ada',
  ])('asks for the option --reason where it is missing: usher %s', async (typed) => {
    expect(await line.usher(typed.split(' '))).toEqual(REASON_MISSING);
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

describe('usher analytics', () => {
  test('prints what people did, a line for each bucket that has something, and the sums', async () => {
    const at = new Date(Date.now() - 1_000).toISOString();
    const ofA = { userId: 'ann', at, campaign: 'printed' };
    const events = [
      { ...ofA, id: 'one', kind: 'opened' },
      { ...ofA, id: 'two', kind: 'opened' },
      { ...ofA, id: 'three', kind: 'tapped' },
    ];
    await usher.backOffice.call('POST', '/v1/engagement', { events });
    const printed = await eventually('it is counted', async () => {
      const { stdout } = await line.usher([
        'analytics',
        '--campaign',
        'printed',
        '--last',
        '2h',
        '--interval',
        'hour',
      ]);
      return stdout.includes('in all') ? stdout : undefined;
    });
    expect(printed).toMatch(
      /^from +opened {2}tapped\n\S+T\d\d:00:00\.000Z +2 +1\nin all +2 +1\nby programs +0 +0\ncounted up to \S+\n$/,
    );
    const none = await line.usher(['analytics', '--campaign', 'nobody']);
    expect(none.stdout).toBe('Nothing was done in this time.\n');
  });
});

describe('usher keys', () => {
  test('makes a key that is printed once, and revokes it', async () => {
    const { stdout, stderr } = await line.usher([
      'keys',
      'create',
      'nightly',
      '--scope',
      'read',
      '--reason',
      'a night’s work',
    ]);
    const key = stdout.trim();
    expect(key).toMatch(/^usk_/);
    expectNoSecrets({ key }, stderr);
    const env = { ...line.env, USHER_SERVICE_KEY: key };
    expect((await line.usher(['user', 'ann'], { env })).exitCode).toBe(0);
    const refused = await line.usher(['publish', 'ann', 'promo.started'], { env });
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('forbidden (403)') });
    const [, id = ''] = /^usk_([^_]+)_/.exec(key) ?? [];
    const { body } = await usher.backOffice.call('GET', '/v1/audit?limit=1');
    expect(body).toMatchObject({ entries: [{ reason: 'a night’s work' }] });
    expect((await line.usher(['keys'])).stdout).toMatch(new RegExp(`^${id}  nightly  read  created `));
    expect((await line.usher(['keys', 'revoke', id])).exitCode).toBe(0);
    expect((await line.usher(['audit', '-n', '2'])).stdout).toMatch(
      new RegExp(
        `^\\S+Z  ADMIN_KEY  key\\.revoke  key ${id}  done\\n\\S+Z  ADMIN_KEY  key\\.create  key ${id}  done  a night’s work\\n$`,
      ),
    );
    expect(await line.json(['audit', '--action', 'plan.put'])).toEqual({ entries: [] });
    expect((await line.usher(['keys', 'revoke', id])).exitCode).toBe(1);
  });
});

describe('what the console shows of the whole', () => {
  test('usher overview says how the nodes are and what waits', async () => {
    const shown = await eventually('the node is in it', async () => {
      const { stdout } = await line.usher(['overview']);
      return stdout.startsWith('1 node;') ? stdout : undefined;
    });
    expect(shown).toMatch(
      /^1 node; connected are \d+ devices and 0 edge nodes; load level [124]\n {2}\S+ .+accepting/,
    );
    expect(shown).toMatch(/^push by apns +nothing waits$/m);
    expect(shown).toMatch(/^webhooks that wait +none \(for a plan or a link\)$/m);
  });

  test('usher find says what has an id, and where to read more of it', async () => {
    await usher.callAs('ann', 'PUT', '/v1/me/devices/ann-tv', { platform: 'tv' });
    expect((await line.usher(['find', 'ann'])).stdout).toMatch(/^user +of ann +\S*\/v1\/users\/ann\n$/);
    expect((await line.usher(['find', 'ann-tv', '--user', 'ann'])).stdout).toMatch(/^device +of ann /);
    expect((await line.usher(['find', 'nothing-has-it'])).stdout).toBe('Nothing has this id.\n');
  });

  test('usher edges says which edge nodes are connected', async () => {
    expect((await line.usher(['edges'])).stdout).toBe('No edge node is connected.\n');
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
    const edge = await connectEdge(usher.url, String(body.key), { edgeId: 'edge-lindau' });
    const shown = await eventually('it is listed', async () => {
      const { stdout } = await line.usher(['edges']);
      return stdout.startsWith('edge-lindau') && stdout;
    });
    expect(shown).toMatch(/^edge-lindau {2}at \S+ {2}since \S+Z\n$/);
    edge.socket.close();
  });
});

describe('usher user', () => {
  test('shows the membership and the devices, and no control characters of their names', async () => {
    await usher.callAs('eve', 'PUT', '/v1/me/devices/eve-tv', { platform: 'tv', name: 'Living\u202e room' });
    const { stdout } = await line.usher(['user', 'eve']);
    expect(stdout).toContain('Membership  none, version 0');
    expect(stdout).toContain('eve-tv  tv  Living\\u202e room  not connected  none');
  });
});

describe('usher campaign', () => {
  test('writes, approves, tries and ends a campaign, and shows what became of it', async () => {
    const words = {
      data: { type: 'object' },
      locales: { en: { push: { title: 'Advent', body: 'Two for one' } } },
    };
    await usher.backOffice.call('PUT', '/v1/templates/advent', words);
    await usher.backOffice.call('PUT', '/v1/audiences/everyone', { rule: { everyone: true } });
    const push = { kind: 'fcm_token', address: 'address-of-cli' };
    await usher.callAs('cleo', 'PUT', '/v1/me/devices/phone', { platform: 'android', push });
    const input = JSON.stringify({
      template: { name: 'advent' },
      audiences: ['everyone'],
      channels: ['push'],
      startAt: '2090-01-01T00:00:00Z',
    });
    const said = async (args: readonly string[], more = {}) => {
      const { exitCode, stdout, stderr } = await line.usher(args, more);
      expect([exitCode, stderr]).toEqual([0, '']);
      return stdout;
    };
    expect(await said(['campaign', 'put', 'advent', '-'], { input })).toBe('advent is draft.\n');
    expect(await said(['campaign', 'preview', 'advent', 'cleo'])).toContain('by push');
    expect(await said(['campaign', 'test', 'advent', 'cleo'])).toMatch(/^cleo gets it by push \(event /);
    expect(await said(['campaign', 'forecast', 'advent'])).toMatch(/ people, 0 of them found twice\n/);
    expect(await said(['campaign', 'approve', 'advent'])).toBe('advent is approved.\n');
    expect(await said(['--reason', 'a wrong campaign', 'campaign', 'abort', 'advent'])).toBe(
      'advent is aborted.\n',
    );
    expect(await said(['campaign', 'show', 'advent'])).toMatch(/^advent is aborted, by .+, approved by /);
    expect(await said(['campaign', 'list'])).toMatch(/^advent {2}aborted /);
    const again = await line.usher(['campaign', 'approve', 'advent']);
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^illegal_move \(409\)/) });
  });
});

describe('usher broadcast', () => {
  test('publishes to everyone, by itself or by a campaign, shows what became of it, and withdraws it', async () => {
    const said = async (args: readonly string[]) => {
      const { exitCode, stdout, stderr } = await line.usher(args);
      expect([exitCode, stderr]).toEqual([0, '']);
      return stdout;
    };
    const device = await usher.device('dora', 'tv');
    const published = await said([
      'broadcast',
      'publish',
      'notice',
      '{ "n": 1 }',
      '--key',
      'k',
      '--count-all',
    ]);
    const [, id = '', number] = /^(\S+) is broadcast (\d+)\.\n$/.exec(published) ?? [];
    expect(await device.waitFor('notice')).toMatchObject({ id, broadcast: Number(number), data: { n: 1 } });
    const shown = await said(['broadcast', 'show', id]);
    expect(shown).toMatch(new RegExp(`^notice is in force, as broadcast ${number}\n`));
    expect(shown).toContain('{"n":1}');
    const withdrawn = await said(['--reason', 'a test', 'broadcast', 'withdraw', id]);
    expect(withdrawn).toBe(`${id} is sent to nobody any more.\n`);
    expect(await said(['broadcast', 'list'])).toContain('withdrawn');
    const closed = { template: { name: 'advent' }, to: 'everyone', startAt: '2026-01-01T00:00:00Z' };
    await usher.backOffice.call('PUT', '/v1/campaigns/closed', closed);
    expect(await said(['campaign', 'forecast', 'closed'])).toMatch(
      /^everyone: \d+ users, one row of \d+ bytes\npublished at /,
    );
    for (const act of ['approve', 'schedule']) await said(['campaign', act, 'closed']);
    expect(await device.waitFor('campaign.message')).toMatchObject({ key: 'campaign:closed' });
    const running = await said(['campaign', 'show', 'closed']);
    expect(running).toMatch(/^closed is running, .*\ncampaign\.message is in force, as broadcast /);
    expect(running).not.toContain('found in audiences');
    await said(['--reason', 'a test', 'campaign', 'abort', 'closed']);
    expect(await said(['campaign', 'show', 'closed'])).toContain('campaign.message is withdrawn');
    const wrong = await line.usher(['broadcast', 'publish', 'notice', '{']);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('not JSON') });
  });
});
