import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ADMIN_KEY,
  JWT_SECRET,
  startUsher,
  STRIPE_SECRET,
  type TestUsher,
} from '../support/drivers/usher.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(project, 'clients/cli/README.md'), 'utf8');

/** The snippets, each with what it prints. */
const snippets = [...readme.matchAll(/^```sh\n([^]*?)^```\n```\n([^]*?)^```$/gm)].map(
  ([, source = '', printed = '']) => ({ source, printed }),
);

/** A pattern for what is shown: `…` stands for anything. */
const patternOf = (shown: string) =>
  new RegExp(
    `^${shown
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^]*?')}$`,
  );

const noCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'no curl';

describeIfAvailable(noCurl, 'the README of the command line', () => {
  let usher: TestUsher;
  let home: string;
  beforeAll(async () => {
    usher = await startUsher();
    home = mkdtempSync(join(tmpdir(), 'usher-readme-'));
  });
  afterAll(async () => {
    rmSync(home, { recursive: true, force: true });
    await usher.stop();
  });

  /** Output and errors as a terminal shows them, one after the other. */
  const runShell = async (source: string) => {
    // What npx adds is a second for each command, and that it finds the command in node_modules/.bin.
    const waiting = 'until npx usher user ada | grep -q "ada-tv .* connected"; do :; done';
    const direct = source.replace('sleep 2', waiting).replaceAll('npx usher', 'node_modules/.bin/usher');
    const child = spawn('sh', ['-eu', '-c', `exec 2>&1\n${direct}`], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        no_proxy: '*',
        USHER_URL: usher.url,
        USHER_SERVICE_KEY: ADMIN_KEY,
        USHER_JWT_SECRET: JWT_SECRET,
        STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
        USHER_DATABASE_URL: usher.database.url,
        USHER_REDIS_URL: process.env.REDIS_URL,
      },
    });
    return text(child.stdout);
  };

  test('has a snippet for each section', () => expect(snippets.length).toBeGreaterThanOrEqual(9));

  test('shows what its commands print', async () => {
    for (const { source, printed } of snippets) expect(await runShell(source)).toMatch(patternOf(printed));
  }, 120_000);
});
