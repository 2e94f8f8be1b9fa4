import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { environmentLines } from '../../tools/development.mjs';
import {
  ADMIN_KEY,
  JWT_SECRET,
  startUsher,
  STRIPE_SECRET,
  type TestUsher,
} from '../support/drivers/usher.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';
import { freePort } from '../support/infrastructure/ports.js';
import { patternOf, runSnippets, type Snippet, snippetsOf } from '../support/snippets.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const PYTHON = join(project, 'clients/python/.venv/bin/python');

/** What is in the folder before. */
const BROUGHT = new Set(['clients', 'node_modules', '.usher']);

/** What is running already, what test/browser/tutorial.test.ts runs, and where no Python client is installed what needs it. */
const isElsewhere = ({ source }: Snippet) =>
  source === 'npm start\n' ||
  source.startsWith('npx vite') ||
  source.includes('pip install') ||
  (source.startsWith('.venv/bin/python') && !existsSync(PYTHON));

const noCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'no curl';

describeIfAvailable(noCurl, 'a newcomer who follows a tutorial', () => {
  let usher: TestUsher;
  let folder: string;
  beforeAll(async () => {
    usher = await startUsher({ NODE_ENV: 'development' });
    folder = mkdtempSync(join(tmpdir(), 'usher-tutorial-'));
    for (const name of ['clients', 'node_modules']) symlinkSync(join(project, name), join(folder, name));
    mkdirSync(join(folder, '.usher'));
    const settings = {
      ADMIN_KEY,
      AUTH_JWT_SECRET: JWT_SECRET,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
      DATABASE_URL: usher.database.url,
      REDIS_URL: process.env.REDIS_URL,
    };
    writeFileSync(join(folder, '.usher/env'), environmentLines(settings, usher.url, {}));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await usher.stop();
  });

  test.each(['web-app', 'back-office', 'edge-node', 'nightly-job', 'operator'])(
    'sees what docs/start/%s.md shows',
    async (name) => {
      const tutorial = readFileSync(join(project, `docs/start/${name}.md`), 'utf8');
      const snippets = snippetsOf(tutorial).filter((snippet) => !isElsewhere(snippet));
      const port = String(await freePort());
      const printed = await runSnippets(snippets, {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, no_proxy: '*' },
        replacing: {
          'sleep 2': `until curl -s http://127.0.0.1:${port}/health | grep -q true; do :; done`,
          'sleep 1': 'until [ -s film.bin ]; do :; done',
          '8081': port,
          '.venv/bin/python': PYTHON,
        },
      });
      const shown = snippets.flatMap((snippet, at) =>
        snippet.printed === undefined
          ? []
          : [[printed[at]?.trimEnd(), patternOf(snippet.printed.trimEnd())] as const],
      );
      for (const [actual, pattern] of shown) expect(actual).toMatch(pattern);
      expect(printed).toHaveLength(snippets.length + 1);
    },
    120_000,
  );

  test('has nothing in the folder afterwards that git would take up', () => {
    const readme = readFileSync(join(project, 'README.md'), 'utf8');
    const [, kitchen = ''] = /Save this as `([^`]+)` in this folder/.exec(readme) ?? [];
    const made = [kitchen, ...readdirSync(folder).filter((name) => !BROUGHT.has(name))];
    expect(made).toEqual(expect.arrayContaining(['kitchen.mjs', 'my-app', 'film.bin', 'gold.yaml']));
    copyFileSync(join(project, '.gitignore'), join(folder, '.gitignore'));
    spawnSync('git', ['init', '-q'], { cwd: folder });
    const { stdout } = spawnSync('git', ['check-ignore', '--no-index', ...made], { cwd: folder });
    expect(stdout.toString().split('\n')).toEqual([...made, '']);
  });

  test('finds each metric of a node in docs/reference/metrics.md', async () => {
    const metrics = await (await fetch(`${usher.url}/metrics`)).text();
    const names = [...metrics.matchAll(/^# TYPE (usher_(?!process_|nodejs_)\w+)/gm)].map(
      ([, name]) => name ?? '',
    );
    expect(names.length).toBeGreaterThan(30);
    const described = readFileSync(join(project, 'docs/reference/metrics.md'), 'utf8');
    expect(names.filter((name) => !new RegExp(`\`${name}[\`{]`).test(described))).toEqual([]);
  });
});
