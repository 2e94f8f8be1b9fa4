/*
 * `dist/usher.js` and `dist/usher-demo.js`: starts the bundle beside it (usher.cjs). `node dist/usher.js --compile` writes its compiled code,
 * and `npm run build` does that.
 */
import { fileURLToPath } from 'node:url';
import { loadBundle } from './load-bundle.mjs';

const { exports, writeCache } = loadBundle(fileURLToPath(import.meta.url).replace(/\.js$/, '.cjs'));

if (process.argv[2] === '--compile') writeCache();
else await exports.bootFromEnvironment();
