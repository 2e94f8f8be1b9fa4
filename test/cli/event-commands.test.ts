import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CommandLine, startWithCommandLine } from '../support/drivers/command-line.js';
import { ADMIN_KEY, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { expectNoSecrets } from '../support/expectations.js';

let usher: TestUsher;
let line: CommandLine;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ usher, line, stop } = await startWithCommandLine({ ACK_TIMEOUT_SECONDS: '1' }));
});
afterAll(() => stop());

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
