/*
 * `dist/usher.js`: the built server and every package that it loads, in one bundle (usher.cjs) which it starts. Node finds, reads and
 * links some 2,900 modules otherwise, and compiles them, which is most of a boot. `dist/main.js` stays beside it and does the same;
 * `npm run bench -- --only boot` compares them. `dist/usher-demo.js`: the same with the demo page, which must not be in what runs in
 * production.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { project } from './places.mjs';

const dist = join(project, 'dist');
const launcher = join(project, 'tools', 'launcher.mjs');
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
 * A module of ours finds the files that lie beside it. A stack trace names TypeScript's lines, and of a package the file alone: the
 * whole map is read when a trace is first written (readable-stack.ts), and all lines of all packages would hold up the event loop for long.
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

/** Which commit this is: `COMMIT` in the environment, as in an image, which has no repository; else what git says; else nothing. */
const commit = () => {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: project, encoding: 'utf8' });
  return process.env.COMMIT || (stdout ?? '').trim();
};
await writeFile(join(dist, 'commit'), commit());

const entries = { usher: 'boot.js', 'usher-demo': 'demo/boot.js' };
await Promise.all(Object.entries(entries).map(([name, entry]) => build(name, entry)));

async function build(name, entry) {
  const file = join(dist, `${name}.cjs`);
  await Promise.all([
    bundleTo(file, 'cjs', join(dist, entry)),
    bundleTo(join(dist, `${name}.js`), 'es', launcher),
  ]);
  await writeFile(file, toAscii(await readFile(file, 'utf8')), 'latin1');
  await rm(`${file}.cache`, { force: true });
  await promisify(execFile)(process.execPath, [join(dist, `${name}.js`), '--compile']);
}

/** V8 keeps a text of ASCII in half the memory, and the launcher need not decode it. An escape means the same wherever code has such a character. */
function toAscii(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

async function bundleTo(file, format, input) {
  const bundle = await rolldown({
    input,
    cwd: project,
    platform: 'node',
    external: (id) => isBuiltin(id) || optional.some((one) => (one.test ? one.test(id) : one === id)),
    plugins: [places],
  });
  await bundle.write({
    file,
    format,
    codeSplitting: false,
    // A script that V8 compiled before has no `import()`.
    dynamicImportInCjs: false,
    sourcemap: format === 'cjs',
    sourcemapExcludeSources: true,
    sourcemapPathTransform: (source) =>
      source.startsWith('..') ? source : `../src/${source.replace(/js$/, 'ts')}`,
  });
  await bundle.close();
}
