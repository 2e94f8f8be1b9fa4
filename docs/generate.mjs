/*
 * `node docs/generate.mjs` writes docs/openapi.json, docs/asyncapi.json and pages of docs/reference from the built server (`dist/`) and command line;
 * with `--check` it writes nothing and fails when they are not what they would be.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { asyncApi } from './asyncapi.mjs';
import { errorReference } from './errors.mjs';
import { metricsReference } from './metrics.mjs';
import { openApi } from './openapi.mjs';
import { commandReference, eventsReference, httpReference, socketReference } from './references.mjs';

const isCheck = process.argv.includes('--check');
// A terminal's width must not decide what is written.
process.stdout.isTTY = false;
const [http, sockets] = [await openApi(), asyncApi()];
const documents = {
  'openapi.json': JSON.stringify(http),
  'asyncapi.json': JSON.stringify(sockets),
  'reference/http.md': httpReference(http),
  'reference/socket.md': socketReference(sockets),
  'reference/events.md': eventsReference(),
  'reference/errors.md': errorReference(),
  'reference/metrics.md': await metricsReference(),
  'reference/command-line.md': await commandReference(),
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
