import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { SERVER_FLAGS } from '../../tools/server-flags.mjs';

const ROOT = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
/** Every file of the repository. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: fileURLToPath(ROOT),
  encoding: 'utf8',
}).split('\n');

/** The patterns of .dockerignore: the last one that matches a path, or a folder that it is in, decides. */
const patterns = text('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const pattern = line
      .replace(/^!/, '')
      .replaceAll('.', String.raw`\.`)
      .replaceAll('*', '[^/]*');
    return { isSent: line.startsWith('!'), matches: new RegExp(`^${pattern}(/|$)`) };
  });
const isSent = (path: string) => patterns.findLast(({ matches }) => matches.test(path))?.isSent ?? true;
const sent = files.filter(isSent);

/** What the Dockerfile copies from the repository: `COPY a b folder/`. */
const copied = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
  sources.split(' '),
);
const isCopied = (path: string) => copied.some((source) => path === source || path.startsWith(`${source}/`));

describe('the image', () => {
  test('copies only what is there and what .dockerignore lets through', () => {
    expect(copied.length).toBeGreaterThan(20);
    expect(
      copied.filter((source) => !sent.some((path) => path === source || path.startsWith(`${source}/`))),
    ).toEqual([]);
  });

  test('has the tools that build and migrate it, with all that they import or start', () => {
    const tools = sent.filter((path) => path.startsWith('tools/'));
    expect(tools).toEqual(expect.arrayContaining(['tools/bundle.mjs', 'tools/migrate.mjs']));
    const needed = tools.flatMap((tool) => [
      ...[...text(tool).matchAll(/ from '\.\/([\w-]+\.mjs)'/g)].map(([, name]) => `tools/${name}`),
      ...[...text(tool).matchAll(/'tools', '([\w-]+\.mjs)'/g)].map(([, name]) => `tools/${name}`),
    ]);
    expect(needed.filter((path) => !tools.includes(path))).toEqual([]);
  });

  test('starts the server with the flags with which it is measured, and so does the guide', () => {
    const command = ['node', ...SERVER_FLAGS, 'dist/usher.js'];
    expect(JSON.parse(/^CMD (\[.+\])$/m.exec(text('Dockerfile'))?.[1] ?? 'null')).toEqual(command);
    expect(text('docs/operate/deploy.md')).toContain(`AUTH_JWKS_URL=… ${command.join(' ')}\n`);
  });

  test('has every page that the documentation leads to, and the packages of every workspace', () => {
    const pages = files.filter((path) => /^clients\/[\w-]+\/README\.md$/.test(path));
    const { workspaces } = JSON.parse(text('package.json')) as { workspaces: string[] };
    const needed = [
      ...pages,
      ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'],
      ...workspaces.map((folder) => `${folder}/package.json`),
    ];
    expect(needed.filter((path) => !isCopied(path) || !isSent(path))).toEqual([]);
  });

  test('has the console and the documentation where a node serves them from', () => {
    const final =
      text('Dockerfile')
        .split(/^FROM /m)
        .at(-1) ?? '';
    for (const folder of ['clients/console/dist', 'docs/.vitepress/dist', 'dist'])
      expect(final).toContain(`COPY --from=build /app/${folder} ${folder}\n`);
    const build = text('Dockerfile').split(/^FROM /m)[1] ?? '';
    expect(build).toContain('npx vite build clients/console');
    expect(build).toContain('npx vitepress build docs');
  });
});
