import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ADMIN_KEY,
  JWT_SECRET,
  startUsher,
  STRIPE_SECRET,
  type TestUsher,
} from '../support/drivers/usher.js';
import { patternOf, runSnippets, snippetsOf } from '../support/snippets.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(project, 'clients/cli/README.md'), 'utf8');

const snippets = snippetsOf(readme).filter(({ language }) => language === 'sh');

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

  test('has a snippet for each section', () => expect(snippets.length).toBeGreaterThanOrEqual(9));

  test('shows what its commands print', async () => {
    const printed = await runSnippets(snippets, {
      cwd: project,
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
      replacing: { 'sleep 2': 'until npx usher user ada | grep -q "ada-tv .* connected"; do :; done' },
    });
    snippets.forEach((snippet, at) => expect(printed[at]).toMatch(patternOf(snippet.printed ?? '')));
  }, 120_000);
});
