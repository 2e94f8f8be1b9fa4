/*
 * `node docs/generate.mjs` writes docs/openapi.json, docs/asyncapi.json and docs/reference/errors.md from the built server (`dist/`); with `--check` it
 * writes nothing and fails when they are not what they would be.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { asyncApi } from './asyncapi.mjs';
import { errorReference } from './errors.mjs';
import { openApi } from './openapi.mjs';

const isCheck = process.argv.includes('--check');
const documents = {
  'openapi.json': JSON.stringify(await openApi()),
  'asyncapi.json': JSON.stringify(asyncApi()),
  'reference/errors.md': errorReference(),
};
const style = await resolveConfig(fileURLToPath(import.meta.url));

for (const [name, document] of Object.entries(documents)) {
  const file = new URL(name, import.meta.url);
  const parser = name.endsWith('.md') ? 'markdown' : 'json';
  const text = await format(document, { ...style, parser });
  if (!isCheck) write(file, text);
  else if (text !== readOrNothing(file)) {
    process.stderr.write(
      `docs/${name} is not what the code says: run \`node docs/generate.mjs\` and commit it.\n`,
    );
    process.exitCode = 1;
  }
}

function write(file, text) {
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
