import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CommandLine } from '../support/drivers/command-line.js';
import { connectEdge } from '../support/drivers/edge-socket.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { expectNoSecrets } from '../support/expectations.js';

let usher: TestUsher;
let line: CommandLine;
beforeAll(async () => {
  usher = await startUsher({ ACK_TIMEOUT_SECONDS: '1' });
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

describe('usher listen', () => {
  test('prints each event that the device gets on a line, and ends after as many as were asked for', async () => {
    const listening = line.start(['listen', 'fay', '--device', 'fay-tv', '--count', '2']);
    await listening.printed('connected as fay-tv');
    const { accepted } = await line.json(['publish', 'fay', 'promo.started', '{"title":"Free week"}']);
    const [{ id }] = accepted as [{ id: string }];
    await line.usher(['publish', 'fay', 'tip.shown', '--tier', 'routine']);
    const { exitCode, stdout } = await listening.finished;
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(`important  promo.started  #1  ${id}  {"title":"Free week"}$`),
      expect.stringMatching('routine  tip.shown  -  .+  {}$'),
    ]);
    await eventually('the last event was acknowledged', async () => {
      const { devices } = await line.json(['why', id, 'fay-tv', '--user', 'fay']);
      return (devices as { state: string }[])[0]?.state === 'received';
    });
  });

  test('prints envelopes with --json, with the token of .usher/env, and ends in order when it is interrupted', async () => {
    const env = { USHER_URL: usher.url, USHER_SERVICE_KEY: ADMIN_KEY, USHER_TOKEN: await usher.token('gus') };
    const listening = line.start(['--json', 'listen', 'gus'], { env });
    await listening.printed('connected as usher-cli');
    await line.usher(['publish', 'gus', 'promo.started']);
    await listening.printed('promo.started');
    const { exitCode, stdout, stderr } = await listening.interrupt();
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'promo.started', offset: 1, data: {} });
    expectNoSecrets({ token: env.USHER_TOKEN }, stderr);
    expect((await line.usher(['listen', 'somebody-else'], { env })).exitCode).toBe(2);
  });

  test('ends with 1 when the device is refused for good', async () => {
    const env = { ...line.env, USHER_JWT_SECRET: 'a secret of 32 bytes that this server does not know' };
    const { exitCode, stderr } = await line.usher(['listen', 'gus'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('token_invalid: ') });
  });
});

describe('usher why', () => {
  test('says why each device did or did not get an event', async () => {
    await usher.device('hal', 'hal-tv');
    await usher.device('hal', 'hal-phone', { acks: false });
    (await usher.device('hal', 'hal-tablet')).close();
    await line.usher(['publish', 'hal', 'promo.started', '--key', 'promo']);
    const why = async (device: string) =>
      (await line.usher(['why', 'promo.started', device, '--user', 'hal'])).stdout;
    await eventually('hal-tv acknowledged it', async () =>
      (await why('hal-tv')).includes('hal-tv: received\nIt arrived after'),
    );
    await eventually('hal-phone did not', async () =>
      (await why('hal-phone')).includes('hal-phone: not_acknowledged'),
    );
    await eventually('hal-tablet is asleep', async () =>
      (await why('hal-tablet')).includes('The device is asleep'),
    );
    await usher.callAs('hal', 'PUT', '/v1/me/devices/hal-new', { platform: 'web' });
    expect(await why('hal-new')).toContain('The device was registered after it was published');
    const { stdout } = await line.usher(['why', 'promo.started', '--user', 'hal']);
    for (const device of [
      'hal-tv: received',
      'hal-phone: not_ack',
      'hal-tablet: not_told',
      'hal-new: registered',
    ])
      expect(stdout).toContain(device);
  });

  test('says what becomes of the mail that follows a push which nobody confirms', async () => {
    const fallback = await usher.backOffice.call('PUT', '/v1/fallbacks/card.expires', {
      channels: ['email'],
      afterSeconds: 600,
    });
    expect(fallback.status).toBe(200);
    (await usher.device('jil', 'jil-tv')).close();
    await line.usher(['publish', 'jil', 'card.expires']);
    const why = async () => (await line.usher(['why', 'card.expires', '--user', 'jil'])).stdout;
    const shown = await eventually('the mail is planned', async () => {
      const stdout = await why();
      return stdout.includes('email: queued') && stdout;
    });
    expect(shown).toMatch(
      /email: queued\nIf no device confirms the event, a mail follows the push at .* UTC/,
    );
    const tail = line.start(['tail', 'jil']);
    await tail.printed('jil-tv not_told, email queued');
    await tail.interrupt();
  });

  test('says for whom it is, and which event superseded it', async () => {
    await usher.device('ida', 'ida-tv');
    (await usher.device('ida', 'ida-phone')).close();
    const id = async (...options: string[]) => {
      const { accepted } = await line.json([
        'publish',
        'ida',
        'promo.started',
        '--key',
        'promo',
        '--wait',
        ...options,
      ]);
      return (accepted as [{ id: string }])[0].id;
    };
    const first = await id();
    const second = await id('--device', 'ida-tv');
    const why = async (event: string) =>
      (await line.usher(['why', event, 'ida-phone', '--user', 'ida'])).stdout;
    expect(await why(first)).toContain(
      `A newer event of the key promo took its place before the device got it. The device gets the newer one: look at ${second}.`,
    );
    expect(await why(second)).toContain('It is for the device ida-tv alone');
  });

  test('ends with 1 for an event that is not there', async () => {
    expect((await line.usher(['why', 'no.such', '--user', 'ida'])).exitCode).toBe(1);
    expect((await line.usher(['why', 'promo.started'])).exitCode).toBe(2);
    expect((await line.usher(['why', randomUUID(), '--user', 'ida'])).exitCode).toBe(1);
  });
});

describe('usher tail', () => {
  test('prints what happened, then each new step once, and ends when it is interrupted', async () => {
    await line.usher(['publish', 'joe', 'promo.started']);
    const tail = line.start(['tail', 'joe', '--every', '1s']);
    await tail.printed('promo.started important #1');
    await line.usher(['publish', 'joe', 'promo.ended']);
    await tail.printed('promo.ended important #2');
    await line.usher(['publish', 'joe', 'promo.third']);
    await tail.printed('promo.third important #3');
    const { exitCode, stdout } = await tail.interrupt();
    expect(exitCode).toBe(0);
    expect(stdout.match(/promo\.\w+/g)).toEqual(['promo.started', 'promo.ended', 'promo.third']);
  });
});

describe('usher resend', () => {
  test('sends an event again, and says by which way it goes to each device', async () => {
    (await usher.device('kai', 'kai-tv')).close();
    const { accepted } = await line.json(['publish', 'kai', 'promo.started']);
    const [{ id }] = accepted as [{ id: string }];
    const { stdout } = await line.usher(['--reason', 'case 4711', 'resend', id, '--user', 'kai']);
    expect(stdout).toBe('kai-tv: is asleep and cannot be pushed to: it gets it when it connects\n');
    const { body } = await usher.backOffice.call('GET', '/v1/audit?action=event.resend&limit=1');
    expect(body).toMatchObject({ entries: [{ reason: 'case 4711', userId: 'kai' }] });
    expect(
      (await line.usher(['--reason', 'case 4711', 'resend', randomUUID(), '--user', 'kai'])).exitCode,
    ).toBe(1);
  });
});

describe('usher push', () => {
  test('pauses and resumes a provider for a reason, and shows what became of pushes', async () => {
    expect((await line.usher(['push', 'pause', 'fcm'])).exitCode).toBe(1);
    const paused = await line.usher(['--reason', 'a wrong campaign', 'push', 'pause', 'fcm', '--critical']);
    expect(paused.stdout).toMatch(/^fcm is paused since .*, also for critical events\.$/m);
    const { push } = await line
      .usher(['--reason', 'it is over', 'push', 'resume', 'fcm'])
      .then(() => usher.backOffice.call('GET', '/v1/audit?action=push.resume&limit=1'))
      .then(({ body }) => ({ push: body.entries }));
    expect(push).toMatchObject([{ result: 'done', before: { critical: true } }]);
    const { stdout } = await line.usher(['push', 'results']);
    expect(stdout).toContain('fcm: 0 taken in the last hour, 0 in the last day');
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
