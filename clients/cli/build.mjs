/*
 * `dist/main.js` and what it loads. It is bundled because it shares source files with the server (the samples of webhooks, the
 * schema of the settings), which no published package has. Its packages stay what package.json says.
 */
import { cp, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = `${here}dist`;

await rm(dist, { recursive: true, force: true });
const bundle = await rolldown({
  // `run` for docs/references.mjs, which prints the help of each command.
  input: { main: `${here}src/main.ts`, run: `${here}src/run.ts` },
  cwd: here,
  platform: 'node',
  external: (id) => !/^[./]/.test(id),
  tsconfig: `${here}tsconfig.json`,
});
// A command loads what only it needs when it runs.
await bundle.write({
  dir: dist,
  format: 'es',
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  sourcemap: true,
});
await bundle.close();
// Files that the sources find beside themselves.
for (const folder of ['src/demo/stripe/samples', 'prisma/migrations']) {
  await cp(`${here}../../${folder}`, `${dist}/${basename(folder)}`, { recursive: true });
}
