import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { type Check, checkClock } from '../../clients/cli/src/doctor/check.js';
import { checkMigrations } from '../../clients/cli/src/doctor/migrations.js';
import { checkCertificate, checkTls } from '../../clients/cli/src/doctor/tls-check.js';
import { CommandLine, startWithCommandLine } from '../support/drivers/command-line.js';
import { JWT_SECRET, startUsher, type TestUsher } from '../support/drivers/usher.js';
import { expectNoSecrets } from '../support/expectations.js';
import { freePort } from '../support/infrastructure/ports.js';

describe('usher doctor', () => {
  let usher: TestUsher;
  let line: CommandLine;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    ({ usher, line, stop } = await startWithCommandLine());
  });
  afterAll(() => stop());

  const environment = () => ({
    ...line.env,
    USHER_DATABASE_URL: usher.database.url,
    USHER_REDIS_URL: process.env.REDIS_URL ?? '',
  });
  const examine = async (changes: Record<string, string> = {}) => {
    const { exitCode, stdout, stderr } = await line.usher(['--json', 'doctor'], {
      env: { ...environment(), ...changes },
    });
    const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Check[] };
    const of = (name: string) => checks.filter((check) => check.name === name);
    return { exitCode, healthy, of, text: stdout + stderr };
  };

  test('finds an installation healthy: settings, databases, schema, clocks, node and key', async () => {
    const { exitCode, healthy, of, text } = await examine();
    expect({ exitCode, healthy }).toEqual({ exitCode: 0, healthy: true });
    for (const name of [
      'PostgreSQL',
      "PostgreSQL's clock",
      'migrations',
      'Redis',
      "Redis' clock",
      'node',
      "the node's clock",
    ])
      expect(of(name)).toMatchObject([{ status: 'ok' }]);
    expect(of('webhooks')).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    expectNoSecrets({ ...usher.secrets(), database: usher.database.url }, text);
    const { stdout } = await line.usher(['doctor'], { env: environment() });
    expect(stdout).toMatch(/^ok {4}PostgreSQL +18\.\d+, connected in \d+ ms/m);
  });

  test('warns of a missing push service, with what to do, but not in development, where nobody has one', async () => {
    const said = async (changes: Record<string, string>) =>
      (await line.usher(['doctor'], { env: { ...environment(), ...changes } })).stdout;
    const inDevelopment = await said({});
    expect(inDevelopment).toMatch(/^ok {4}settings +no push service is set up/m);
    expect(inDevelopment).not.toMatch(/^(warn|fail)/m);
    const ofOwnDatabase = { USHER_DATABASE_URL: '', DATABASE_URL: usher.database.url };
    expect(await said(ofOwnDatabase)).not.toMatch(/^(warn|fail)/m);
    expect(await said({ NODE_ENV: 'production' })).toMatch(
      /^warn {2}settings +no push service is set up\n {6}Devices that are not connected/m,
    );
  });

  test('ends with 1 and says which setting, database or key is wrong, and no secret', async () => {
    const port = await freePort();
    const { exitCode, healthy, of, text } = await examine({
      USHER_DATABASE_URL: `postgres://somebody:secret-password@127.0.0.1:${port}/usher`,
      USHER_REDIS_URL: `redis://:secret-password@127.0.0.1:${port}`,
      AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      GRACE_SECONDS: 'many',
      STRIPE_WEBHOOK_SECRETS: 'misspelt',
      USHER_SERVICE_KEY: 'no-such-key',
    });
    expect({ exitCode, healthy }).toEqual({ exitCode: 1, healthy: false });
    for (const name of ['PostgreSQL', 'Redis', 'key server'])
      expect(of(name)).toMatchObject([{ status: 'fail', detail: 'cannot be reached: ECONNREFUSED' }]);
    expect(of('settings').map(({ detail }) => detail.split(' ')[0])).toEqual([
      'GRACE_SECONDS',
      'STRIPE_WEBHOOK_SECRETS',
    ]);
    expect(of('service key')).toMatchObject([
      { status: 'fail', detail: expect.stringContaining('unauthorized (401)') },
    ]);
    expectNoSecrets({ password: 'secret-password', secret: JWT_SECRET }, text);
  });

  test('finds a migration that is not applied', async () => {
    await usher.database.query(
      `UPDATE _prisma_migrations SET migration_name = 'another' WHERE migration_name LIKE '%baseline%'`,
    );
    const { exitCode, of } = await examine();
    expect(exitCode).toBe(1);
    expect(of('migrations')).toMatchObject([
      { status: 'fail', detail: expect.stringMatching(/not applied: \d+_baseline/) },
    ]);
  });
});

describe('a check', () => {
  test('of a clock warns from a second on, and fails where signatures are refused', () => {
    const status = (theirs: number) => checkClock('clock', theirs, 100_000, 100_200).status;
    expect([100_100, 101_000, 98_900, 101_300, 140_000, 60_000].map(status)).toEqual([
      'ok',
      'ok',
      'warn',
      'warn',
      'fail',
      'fail',
    ]);
  });

  test('of migrations tells one that is missing from one that is newer or half done', () => {
    const applied = (...names: string[]) => names.map((name) => ({ name, isFinished: name !== 'half' }));
    expect(checkMigrations(['a', 'b'], applied('a', 'b')).status).toBe('ok');
    expect(checkMigrations(['a', 'b'], applied('a'))).toMatchObject({
      status: 'fail',
      detail: 'not applied: b',
    });
    expect(checkMigrations(['a'], applied('a', 'b'))).toMatchObject({
      status: 'warn',
      detail: 'unknown here: b',
    });
    expect(checkMigrations(['a'], applied('a', 'half'))).toMatchObject({
      status: 'fail',
      detail: 'half failed half-way',
    });
    expect(checkMigrations(['a'], undefined)).toMatchObject({ status: 'fail' });
  });

  test('of a certificate warns two weeks before it ends', () => {
    const now = new Date('2026-11-26T12:00:00Z');
    const status = (validTo: string) => checkCertificate('host', 'host', new Date(validTo), now).status;
    expect(['2026-12-20', '2026-12-05', '2026-11-25'].map(status)).toEqual(['ok', 'warn', 'fail']);
  });

  describe('of a host', () => {
    let server: Server;
    let folder: string;
    let ca: string;
    beforeAll(async () => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
        notAfterDate: new Date(Date.now() + 7 * 86_400_000),
      });
      folder = mkdtempSync(join(tmpdir(), 'usher-doctor-'));
      ca = cert;
      writeFileSync(join(folder, 'ca.pem'), cert);
      server = createServer({ cert, key });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => {
      server.close();
      rmSync(folder, { recursive: true });
    });

    test('reads how long its certificate is valid, and trusts no certificate of its own', async () => {
      const url = `https://localhost:${(server.address() as AddressInfo).port}`;
      expect(await checkTls({ name: 'host', url, ca })).toMatchObject({
        status: 'warn',
        detail: expect.stringContaining(' 6 days'),
      });
      expect(await checkTls({ name: 'host', url })).toMatchObject({ status: 'fail' });
    });
  });
});

describe('usher epoch new', () => {
  test('makes a copied database an installation of its own, only without nodes, and only when it is confirmed', async () => {
    const usher = await startUsher();
    const line = new CommandLine(usher.url);
    try {
      await usher.backOffice.publish([{ userId: 'ada', type: 'note.one', tier: 'important', data: {} }]);
      const { epoch } = (await usher.state('ada')).position;
      const env = { ...line.env, USHER_DATABASE_URL: usher.database.url };
      const run = (...args: string[]) =>
        line.usher(['--reason', 'a copy for tests', 'epoch', 'new', ...args], { env });
      const running = await run('copy', '--yes');
      expect(running).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Stop them first') });
      await usher.kill('SIGTERM');
      const facts = () =>
        usher.database.query<{ name: string; epoch: string; own: string }>(
          `SELECT i.name, i.epoch, m.epoch AS own FROM installation i, mailbox m`,
        );
      const [before] = await facts();
      expect((await run('copy')).stdout).toContain('1 mailboxes would get another epoch');
      expect(await facts()).toEqual([before]);
      expect((await run('copy', '--yes')).stdout).toContain('This is the installation copy now');
      const [after] = await facts();
      expect(after).toEqual({ name: 'copy', epoch: after?.own, own: expect.not.stringContaining(epoch) });
      const told = await usher.database.query(
        `SELECT reason, after FROM audit_entry WHERE action = 'epoch.new'`,
      );
      expect(told).toEqual([{ reason: 'a copy for tests', after: { name: 'copy', epoch: after?.epoch } }]);
      expect((await run('copy', '--yes')).stderr).toContain('is called copy already');
    } finally {
      line.close();
      await usher.stop();
    }
  }, 60_000);
});
