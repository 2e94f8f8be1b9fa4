/*
 * `dist/usher.js` and `dist/usher-demo.js`: starts the bundle beside it (usher.cjs), which V8 has compiled before (usher.cjs.cache). Parsing
 * and compiling 14 MB is more than half of the CPU time of a boot otherwise. `node dist/usher.js --compile` writes the compiled code, and
 * `npm run build` does that. Another version of Node refuses it, and compiles as usual.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const bundle = fileURLToPath(import.meta.url).replace(/\.js$/, '.cjs');
const cache = `${bundle}.cache`;

const code = readFileSync(bundle, 'latin1');
const script = new Script(`(function (exports, module, require, __filename) {\n${code}\n})`, {
  filename: bundle,
  lineOffset: -1,
  cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
});
const loaded = { exports: {} };
script.runInThisContext()(loaded.exports, loaded, createRequire(bundle), bundle);

if (process.argv[2] === '--compile') writeFileSync(cache, script.createCachedData());
else await loaded.exports.bootFromEnvironment();
