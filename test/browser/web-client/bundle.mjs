/*
 * Bundles an app that imports `@usher/client` as a bundler makes it from the package: source on stdin, script on stdout. With `--minify`
 * it is minified; what is named further is left out.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const source = readFileSync(0, 'utf8');
const [first, ...rest] = process.argv.slice(2);
const minify = first === '--minify';
const dist = (part) => fileURLToPath(new URL(`../../../clients/web/dist/${part}.js`, import.meta.url));

const built = await rolldown({
  input: 'app.js',
  platform: 'browser',
  external: minify ? rest : [],
  plugins: [
    {
      name: 'app',
      resolveId(id) {
        if (id === 'app.js') return fileURLToPath(new URL('app.js', import.meta.url));
        const [, part] = /^@usher\/client(?:\/(.+))?$/.exec(id) ?? [];
        return id.startsWith('@usher/client') ? dist(part ?? 'index') : null;
      },
      load: (id) => (id.endsWith('/web-client/app.js') ? source : null),
    },
  ],
  transform: { define: { 'process.env.NODE_ENV': '"production"' } },
});
const { output } = await built.generate({ format: 'esm', minify });
process.stdout.write(output[0].code);
