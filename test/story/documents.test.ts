import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ALERTS } from '../../clients/console/src/overview/alarms.js';
import { environment } from '../../src/platform/config/config.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const readDocument = (path: string) => readFileSync(join(project, path), 'utf8');

const notOurs = new Set(['node_modules', 'dist', '.git', '.usher', 'test-results', '.venv']);

/** Yields the path of every Markdown file below the folder, from the project. */
function* markdownBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(join(project, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !notOurs.has(entry.name)) yield* markdownBelow(path);
    else if (entry.isFile() && entry.name.endsWith('.md')) yield path;
  }
}
const documents = [...markdownBelow('.')];

const withoutCode = (markdown: string) =>
  markdown.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** Returns the anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (markdown: string) =>
  new Set(
    [...markdown.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

/** Returns the links of a document that lead nowhere: to no file, or to no heading of it. */
function brokenLinks(path: string): string[] {
  const links = [...withoutCode(readDocument(path)).matchAll(/\]\(([^()\s]+)\)/g)].map(
    ([, link = '']) => link,
  );
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? join(project, path) : resolve(project, dirname(path), file);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
  });
}

const OUR_PATH = /(?<![\w/.])(?:src|test|tools|bench|docs|prisma|clients|deploy)\/[\w./-]*[\w/](?![\w<*…])/g;

/** A command writes it; it is not in the repository. */
const GENERATED = new Set(['bench/results.json']);

/** Returns the paths of this repository that a document names and that are not there. */
const missingPaths = (path: string): string[] =>
  [...readDocument(path).matchAll(OUR_PATH)]
    .map(([named]) => named)
    .filter((named) => !GENERATED.has(named))
    .filter((named) => !existsSync(join(project, named)) && !existsSync(join(project, dirname(path), named)));

describe('the documents', () => {
  test('are found', () => expect(documents).toContain('docs/CONTRACT.md'));

  test.each(documents)('%s links only to files and headings that exist', (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });

  test.each(documents)('%s names only paths that exist', (path) => {
    expect(missingPaths(path)).toEqual([]);
  });

  test.each(ALERTS)('say what to do about %s', (alert) => {
    expect(readDocument('docs/operate/alerts.md').split('\n')).toContain(`## ${alert}`);
  });

  test('describe every setting of the server, and no other', () => {
    const described = [
      ...readDocument('docs/reference/configuration.md').matchAll(/^\| `([A-Z_]+)` \|/gm),
    ].map(([, name]) => name);
    expect(described.toSorted()).toEqual(Object.keys(environment.shape).toSorted());
  });
});
