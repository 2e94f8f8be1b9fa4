/*
 * `dist/usher.js`: the built server and every package that it loads, in one file. Node finds, reads and links some 2,900 modules
 * otherwise, which is most of a boot. `dist/main.js` stays beside it and does the same; `npm run bench -- --only boot` compares them.
 * `dist/usher-demo.js`: the same with the demo page, which must not be in what runs in production.
 */
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { project } from './places.mjs';

const dist = join(project, 'dist');
const FIRST_LINE = 'AAAA';
const isOurs = (path) => path.startsWith(dist);
/** What packages ask for in case it is there; each of them goes on without. */
const optional = [
  /^@nestjs\/microservices/,
  /^@fastify\//,
  /^class-transformer/,
  'class-validator',
  'bufferutil',
  'utf-8-validate',
  'pg-native',
];

/**
 * A module of ours finds the files that lie beside it. A stack trace names TypeScript's lines, and of a package the file alone: Node reads
 * the whole map when it first prints a trace, and all lines of all packages would hold up the event loop for a quarter of a second.
 */
const places = {
  name: 'places',
  async transform(code, path) {
    if (!isOurs(path)) return { code, map: { version: 3, names: [], sources: [path], mappings: FIRST_LINE } };
    const here = JSON.stringify(`./${relative(dist, path)}`);
    return {
      code: code.replaceAll('import.meta.url', `new URL(${here}, import.meta.url).href`),
      map: await readFile(`${path}.map`, 'utf8'),
    };
  },
};

const outputs = { 'usher.js': 'main.js', 'usher-demo.js': 'demo/main.js' };
await Promise.all(Object.entries(outputs).map(([output, input]) => bundleTo(output, input)));

async function bundleTo(output, input) {
  const bundle = await rolldown({
    input: join(dist, input),
    cwd: project,
    platform: 'node',
    external: (id) => isBuiltin(id) || optional.some((one) => (one.test ? one.test(id) : one === id)),
    plugins: [places],
  });
  await bundle.write({
    file: join(dist, output),
    format: 'esm',
    codeSplitting: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    sourcemapPathTransform: (source) =>
      source.startsWith('..') ? source : `../src/${source.replace(/js$/, 'ts')}`,
  });
  await bundle.close();
}
