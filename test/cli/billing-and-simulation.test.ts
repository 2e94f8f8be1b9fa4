import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Latencies } from '../../clients/cli/src/simulate/latencies.js';
import { Ledger, type ListeningDevice as Device } from '../../clients/cli/src/simulate/ledger.js';
import { type CommandLine, startWithCommandLine } from '../support/drivers/command-line.js';
import type { TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { expectNoSecrets } from '../support/expectations.js';

let usher: TestUsher;
let line: CommandLine;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ usher, line, stop } = await startWithCommandLine());
});
afterAll(() => stop());

/** The catalogue of the tests, as a file. */
const CATALOGUE = `
plans:
  family:
    name: Family
    prices: [price_family]
    capabilities: { streaming: true, maxStreams: 4, maxQuality: 4k, downloads: true, ads: false }
  basic:
    name: Basic
    prices: [price_basic]
    capabilities: { streaming: true, maxStreams: 1, maxQuality: 720p, downloads: false, ads: true }
`;

describe('usher plans apply', () => {
  const apply = (input: string, ...options: string[]) =>
    line.usher(['plans', 'apply', '-f', '-', ...options], { input });

  test('shows what would change and changes nothing with --dry-run; then writes only what differs', async () => {
    expect((await apply(CATALOGUE, '--dry-run')).stdout).toBe(
      'family: to be created\nbasic: to be created\n',
    );
    expect((await apply(CATALOGUE)).stdout).toBe('family: created\nbasic: created\n');
    expect((await apply(CATALOGUE)).stdout).toBe('family: as it is\nbasic: as it is\n');
    const changed = CATALOGUE.replace('maxStreams: 4', 'maxStreams: 5');
    expect((await apply(changed)).stdout).toBe('family: changed\n  maxStreams: 4 → 5\nbasic: as it is\n');
    const { body } = await usher.backOffice.call('GET', '/v1/plans/family');
    expect(body).toMatchObject({ revision: 2, capabilities: { maxStreams: 5 } });
  });

  test('moves a price from one plan of the file to another', async () => {
    const moved = CATALOGUE.replace('[price_family]', '[price_family, price_basic]').replace(
      '[price_basic]',
      '[price_new]',
    );
    const { exitCode, stdout, stderr } = await apply(moved);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('  prices: - price_basic\n  prices: + price_new');
    expect((await apply(CATALOGUE)).exitCode).toBe(0);
  });

  test('ends with 2 for a file that has no plans in it', async () => {
    for (const input of ['plans: [', 'plan: {}', 'plans: { a: { name: A } }', 'plans: { a: { nam: A } }'])
      expect((await apply(input)).exitCode).toBe(2);
    expect((await line.usher(['plans', 'apply', '-f', 'no-such-file.yaml'])).exitCode).toBe(2);
  });
});

describe('usher trigger stripe', () => {
  const membershipOf = async (user: string) => (await usher.state(user)).membership;
  const trigger = (...args: string[]) => line.usher(['trigger', 'stripe', ...args, '--user', 'kim']);

  test('sends signed webhooks that start, pause, continue and end a membership', async () => {
    await line.usher(['plans', 'apply', '-f', '-'], { input: CATALOGUE });
    expect((await trigger('subscription.canceled')).exitCode).toBe(1); // there is none yet
    const created = await trigger('subscription.created', '--price', 'price_family');
    expect(created.stdout).toMatch(/^customer.subscription.created evt_\w+ was received and is applied\n$/);
    expect(await membershipOf('kim')).toMatchObject({ status: 'active', planId: 'family', version: 1 });
    await trigger('subscription.paused');
    expect(await membershipOf('kim')).toMatchObject({ status: 'paused', version: 2 });
    await trigger('subscription.updated', '--price', 'price_basic');
    expect(await membershipOf('kim')).toMatchObject({ status: 'active', planId: 'basic', version: 3 });
    await trigger('invoice.payment_failed');
    expect(await membershipOf('kim')).toMatchObject({ status: 'past_due', version: 4 });
    await trigger('subscription.canceled');
    expect(await membershipOf('kim')).toMatchObject({ status: 'canceled', version: 5 });
    await trigger('subscription.created');
    expect(await membershipOf('kim')).toMatchObject({ status: 'active', version: 6 });
  });

  test('says for which plan the webhook waits, which is then applied at once', async () => {
    const created = await line.usher([
      'trigger',
      'stripe',
      'subscription.created',
      '--user',
      'leo',
      '--price',
      'price_later',
    ]);
    const [, id = ''] =
      /(evt_\w+) was received and is waiting: it waits for price:price_later/.exec(created.stdout) ?? [];
    expect((await line.usher(['webhooks', 'waiting'])).stdout).toMatch(
      new RegExp(
        `  stripe  ${id}  customer.subscription.created  leo  1 attempt  waits for price:price_later`,
      ),
    );
    expect((await line.usher(['webhooks', 'show', id])).stdout).toMatch(/^Status +waiting$/m);
    expect((await line.usher(['webhooks', 'retry', id])).stdout).toMatch(/^Attempts +2$/m);
    await line.usher(['plans', 'apply', '-f', '-'], {
      input: CATALOGUE.replace('price_basic', 'price_later'),
    });
    expect(await line.json(['webhooks', 'show', id])).toMatchObject({ eventId: id, status: 'applied' });
    expect((await line.usher(['webhooks', 'waiting'])).stdout).toBe('No webhook is waiting.\n');
    expect((await line.usher(['webhooks', 'show', 'evt_none'])).exitCode).toBe(1);
  });

  test('says that the secret is not the one of the server', async () => {
    const env = { ...line.env, STRIPE_WEBHOOK_SECRET: 'whsec_another' };
    const { exitCode, stderr } = await line.usher(
      ['trigger', 'stripe', 'subscription.created', '--user', 'kim'],
      { env },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('signature_invalid (400)');
    expectNoSecrets({ secret: 'whsec_another' }, stderr);
  });
});

describe('usher recommendations push', () => {
  test('sends a file, plain or compressed, and says which lines were rejected', async () => {
    const pages = [
      '{"userId":"lou","version":1,"items":["a"]}',
      '{"userId":"mia","version":1,"items":["b"]}',
    ];
    const file = join(line.home, 'pages.ndjson.gz');
    writeFileSync(file, gzipSync(pages.join('\n')));
    const first = await line.usher(['recommendations', 'push', file]);
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(
        '2 accepted, 0 unchanged (0 of them conflicting), 0 stale, 0 rejected (run ',
      ),
    });
    const input = [...pages, '{"userId":'].join('\n');
    const second = await line.usher(['recommendations', 'push', '-'], { input });
    expect(second.exitCode).toBe(1);
    expect(second.stdout).toMatch(/^0 accepted, 2 unchanged .+ 1 rejected .+\n {2}line 3 {2}malformed_json/);
    const refused = await line.usher(['recommendations', 'push', '-', '--refuse'], {
      input: ['{"userId":"ned","version":1,"items":[]}', '{"userId":"ned","version":1}'].join('\n'),
    });
    expect(refused).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/ line 2 {2}invalid_request {2}items/),
    });
    expect((await usher.state('ned')).recommendations).toEqual([]);
    expect((await usher.state('lou')).recommendations).toEqual([{ profileId: 'main', version: 1 }]);
    const runs = (await line.usher(['recommendations', 'runs'])).stdout.trim().split('\n');
    expect(runs.map((run) => run.split(/ {2,}/).slice(2, 4))).toEqual([
      ['refused', expect.any(String)],
      ['done', '0 accepted, 2 unchanged (0 of them conflicting), 0 stale, 1 rejected'],
      ['done', '2 accepted, 0 unchanged (0 of them conflicting), 0 stale, 0 rejected'],
    ]);
    const [id = ''] = (runs[1] ?? '').split(' ');
    expect((await line.usher(['recommendations', 'runs', id])).stdout).toMatch(
      /\n {2}line 3 {2}malformed_json/,
    );
  });
});

describe('usher simulate', () => {
  test('lets people live on real devices until it is interrupted, and says that nothing was lost', async () => {
    const simulation = line.start(['--json', 'simulate', '--users', '20', '--minutes', '10', '--pace', '2']);
    const { database } = usher;
    await eventually('plans were changed and events published', async () => {
      const [row] = await database.query<{ plans: string; entries: string }>(
        `SELECT (SELECT count(*) FROM membership WHERE user_id LIKE 'simulated-%') AS plans,
                (SELECT count(*) FROM mailbox_entry WHERE user_id LIKE 'simulated-%') AS entries`,
      );
      return Number(row?.plans) > 0 && Number(row?.entries) > 10;
    });
    const { exitCode, stdout } = await simulation.interrupt();
    const verdict = JSON.parse(stdout) as Record<string, number>;
    expect(exitCode).toBe(0);
    expect(verdict).toMatchObject({ devices: 40, lost: 0, misdelivered: 0, withoutPlan: 0, failedActs: 0 });
    expect(verdict.published).toBeGreaterThan(3);
    expect(verdict.delivered).toBe(2 * (verdict.published ?? 0));
  }, 90_000);

  test('counts what a device did not get as lost, and what it got of another user as misdelivered', () => {
    let now = 0;
    const ledger = new Ledger(() => now);
    const [tv, phone] = ['tv', 'phone'].map((deviceId) => ({ userId: 'ada', deviceId, liveSince: 0 })) as [
      Device,
      Device,
    ];
    ledger.expect([tv, phone], 1, 'critical');
    ledger.expect([tv, phone], 2, 'important');
    ledger.expect([tv, phone], 3, 'routine');
    ledger.expect([tv, phone], 4, 'critical');
    ledger.withdraw([tv, phone], 4, 'critical');
    now = 12;
    ledger.record(tv, { userId: 'ada', n: 1 });
    ledger.record(tv, { userId: 'ada', n: 1 }); // twice
    ledger.record(phone, { userId: 'ada', n: 2 });
    ledger.record(phone, { userId: 'bob', n: 1 });
    const { latencies, ...verdict } = ledger.verdict();
    expect(verdict).toEqual({ published: 2, routinePublished: 1, delivered: 2, lost: 2, misdelivered: 1 });
    expect(latencies.critical).toEqual({ count: 1, p50: 12, p99: 12, max: 12 });
  });

  test('measures percentiles, and not what a device caught up on', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 100; ms += 1) latencies.record(ms);
    expect(latencies.summary()).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
    const ledger = new Ledger(() => 5);
    const away = { userId: 'ada', deviceId: 'tv', liveSince: 6 };
    ledger.expect([away], 1, 'critical');
    ledger.record(away, { userId: 'ada', n: 1 });
    expect(ledger.verdict()).toMatchObject({ delivered: 1, latencies: { critical: { count: 0 } } });
  });
});
