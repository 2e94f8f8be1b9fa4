/*
 * Loads a bundle of tools/bundle.mjs, which V8 has compiled before (`….cjs.cache`). Parsing and compiling 14 MB is more than half of the CPU
 * time of a boot otherwise. Another version of Node refuses what was compiled, and compiles as usual.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { SERVER_FLAGS } from './server-flags.mjs';

/** Returns what the bundle exports, and `writeCache`, which writes what V8 compiled. */
export function loadBundle(bundle) {
  // V8 refuses what was compiled under other flags. Set here they only have it take what is there, however Node was started.
  for (const flag of SERVER_FLAGS) setFlagsFromString(flag);
  const cache = `${bundle}.cache`;
  const code = readFileSync(bundle, 'latin1');
  const script = new Script(`(function (exports, module, require, __filename) {\n${code}\n})`, {
    filename: bundle,
    lineOffset: -1,
    cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
  });
  const loaded = { exports: {} };
  script.runInThisContext()(loaded.exports, loaded, createRequire(bundle), bundle);
  return { exports: loaded.exports, writeCache: () => writeFileSync(cache, script.createCachedData()) };
}
