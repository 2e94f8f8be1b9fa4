/* What a language model reads: llms.txt, which is written by hand, and every page of it in one text. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';

/** Writes `llms.txt` and `llms-full.txt` into the site. */
export function writeLlmsTexts(project, outDir) {
  const overview = `${project}docs/llms.txt`;
  copyFileSync(overview, `${outDir}llms.txt`);
  const links = readFileSync(overview, 'utf8').matchAll(/\]\(([^)\s#]+\.md)\)/g);
  const documents = [...new Set([...links].map(([, link]) => posix.join('docs', link)))];
  const texts = documents.map(
    (path) => `<!-- ${path} -->\n\n${readFileSync(project + path, 'utf8').trim()}\n`,
  );
  writeFileSync(`${outDir}llms-full.txt`, texts.join('\n'));
}
