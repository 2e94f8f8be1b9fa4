import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { environmentLines } from '../../tools/development.mjs';
import { CommandLine } from '../support/drivers/command-line.js';
import { freePort } from '../support/infrastructure/ports.js';

/** Answers like an Usher, and remembers with which key it was called. */
class Listener {
  readonly keys: (string | undefined)[] = [];
  private readonly server: Server = createServer((request, response) => {
    this.keys.push(request.headers.authorization?.replace('Bearer ', ''));
    response.end('{"accepted":[]}');
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
  }
}

describe('the settings of the command line', () => {
  let line: CommandLine;
  let listener: Listener;
  let url: string;
  const publish = (env: Record<string, string>, ...options: string[]) =>
    line.usher([...options, 'publish', 'ada', 'promo.started'], { env });

  beforeEach(async () => {
    listener = new Listener();
    url = await listener.start();
    line = new CommandLine(url);
  });
  afterEach(() => {
    listener.stop();
    line.close();
  });

  const addProfile = (name: string, key: string, at = url) =>
    line.usher(['profile', 'add', name, '--url', at], { env: {}, input: `${key}\n` });
  const writeEnvironmentFile = (key: string, at = url) => {
    mkdirSync(join(line.home, '.usher'));
    writeFileSync(join(line.home, '.usher', 'env'), `USHER_URL='${at}'\nUSHER_SERVICE_KEY='${key}'\n`);
  };

  test('are those of the environment, then of the profile in use, then of .usher/env', async () => {
    writeEnvironmentFile('key-of-start');
    await publish({});
    await addProfile('mine', 'key-of-profile');
    await publish({});
    await publish({ USHER_URL: url, USHER_SERVICE_KEY: 'key-of-environment' });
    await publish({ USHER_URL: url, USHER_SERVICE_KEY: 'key-of-environment' }, '--profile', 'mine');
    expect(listener.keys).toEqual(['key-of-start', 'key-of-profile', 'key-of-environment', 'key-of-profile']);
  });

  test('never send a key to another Usher than the one beside which it is written', async () => {
    writeEnvironmentFile('key-of-start', 'http://127.0.0.1:9');
    await addProfile('elsewhere', 'key-of-profile', 'http://127.0.0.1:9');
    const { exitCode, stderr } = await publish(
      { USHER_URL: 'http://127.0.0.1:9', USHER_SERVICE_KEY: 'k' },
      '--url',
      url,
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('USHER_SERVICE_KEY is not set'),
    });
    expect(listener.keys).toEqual([]);
  });

  test('keep profiles in a file that only their owner can read, and show no key', async () => {
    await addProfile('mine', 'a-secret-key');
    const file = join(line.home, '.config', 'usher', 'config.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('a-secret-key');
    const { stdout, stderr } = await line.usher(['profile', 'list'], { env: {} });
    expect(stdout).toBe(`*  mine  ${url}  with a key\n`);
    expect(stderr).toBe('');
    expect((await line.usher(['profile', 'use', 'other'], { env: {} })).exitCode).toBe(2);
    expect((await line.usher(['profile', 'remove', 'mine'], { env: {} })).exitCode).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('a-secret-key');
  });

  test('that are wrong end the command with 2, an Usher that nobody reaches with 3', async () => {
    expect((await publish({ USHER_URL: 'nowhere' })).exitCode).toBe(2);
    const gone = `http://127.0.0.1:${await freePort()}`;
    const { exitCode, stderr } = await publish({ USHER_URL: gone, USHER_SERVICE_KEY: 'key' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 3,
      stderr: expect.stringContaining(`${gone} is not reachable: ECONNREFUSED`),
    });
  });
});

describe('.usher/env', () => {
  const environment = {
    ADMIN_KEY: 'an admin key of sixteen bytes',
    AUTH_JWT_SECRET: "thirty-two bytes, one of them a ' quote",
    STRIPE_WEBHOOK_SECRET: 'whsec_1',
    STANDARD_WEBHOOK_SECRET: 'whsec_2',
    DATABASE_URL: 'postgres://127.0.0.1/usher',
    REDIS_URL: 'redis://127.0.0.1',
  };

  test('has what a shell and the command line need, under names that the server does not read', () => {
    const lines = environmentLines(environment, 'http://127.0.0.1:3000', {});
    expect(Object.keys(parseEnv(lines)).toSorted()).toEqual([
      'STANDARD_WEBHOOK_SECRET',
      'STRIPE_WEBHOOK_SECRET',
      'USHER_DATABASE_URL',
      'USHER_JWT_SECRET',
      'USHER_REDIS_URL',
      'USHER_SERVICE_KEY',
      'USHER_TOKEN',
      'USHER_URL',
    ]);
  });

  test('has no secret that the environment brought', () => {
    const lines = environmentLines(environment, 'http://127.0.0.1:3000', environment);
    expect(Object.keys(parseEnv(lines)).toSorted()).toEqual(['USHER_TOKEN', 'USHER_URL']);
  });
});
