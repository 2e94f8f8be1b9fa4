/*
 * How long a node needs until it is ready, and how much work that is: from one file (`tools/bundle.mjs`) and module by module. A
 * restart, a new node under load and each test of the suite wait for it.
 */
import { startEmptyNest, startUsher } from '../servers.mjs';
import { cpuOfFamily, median } from '../stats.mjs';

const BOOTS = 5;

export async function boot(context) {
  const usher = (file) => () => startUsher({ ...context, cores: '0', file });
  const starts = { oneFile: usher('usher.js'), modules: usher('main.js'), emptyNest: startEmptyNest };
  const seen = { oneFile: [], modules: [], emptyNest: [] };
  for (let round = 0; round <= BOOTS; round += 1) {
    for (const [name, start] of Object.entries(starts)) {
      const one = await oneBoot(start);
      if (round > 0) seen[name].push(one);
    }
  }
  const typical = (name, of) => median(seen[name].map((one) => one[of]));
  return ['modules', 'emptyNest'].flatMap((bare) => {
    const beside = bare === 'modules' ? 'the same, module by module' : 'an empty Nest, module by module';
    return [
      { what: `ms until a node is ready, beside ${beside}`, of: 'ms' },
      { what: `CPU ms of a boot, beside ${beside}`, of: 'cpu' },
    ].map(({ what, of }) => besides(what, typical('oneFile', of), typical(bare, of)));
  });
}

const besides = (what, usher, bare) => ({ what, usher, bare, ratio: usher / bare });

async function oneBoot(start) {
  const begin = performance.now();
  const server = await start();
  const ms = performance.now() - begin;
  const cpu = cpuOfFamily(server.pid) / 1_000;
  await server.stop();
  return { ms, cpu };
}
