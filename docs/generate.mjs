/*
 * `node docs/generate.mjs` writes docs/openapi.json and docs/asyncapi.json from the built server (`dist/`); with `--check` it
 * writes nothing and fails when they are not what they would be.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { asyncApi } from './asyncapi.mjs';
import { openApi } from './openapi.mjs';

const isCheck = process.argv.includes('--check');
const documents = { 'openapi.json': await openApi(), 'asyncapi.json': asyncApi() };
const style = await resolveConfig(fileURLToPath(import.meta.url));

for (const [name, document] of Object.entries(documents)) {
  const file = new URL(name, import.meta.url);
  const text = await format(JSON.stringify(document), { ...style, parser: 'json' });
  if (!isCheck) writeFileSync(file, text);
  else if (text !== readOrNothing(file)) {
    process.stderr.write(
      `docs/${name} is not what the code says: run \`node docs/generate.mjs\` and commit it.\n`,
    );
    process.exitCode = 1;
  }
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
