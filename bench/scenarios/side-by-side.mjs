/* Usher and bare Socket.IO side by side on core 0, each with its devices in a load process on core 1. One is measured at a time. */
import { setTimeout as pause } from 'node:timers/promises';
import { ADMIN_KEY, preferPostgres, SECRET, startBare, startLoad, startUsher } from '../servers.mjs';
import { cpu, cpuOfFamily } from '../stats.mjs';

export const DEVICES_PER_USER = 3;
/**
 * A server of several warms up this many times as long as it is measured: its CPU an event falls for some 15 seconds, until V8 has optimized
 * what is called (from 32 to 25 µs between two nodes), and each of several has only a part of the calls.
 */
export const WARM_UP = 4;

export async function startPair(context) {
  const [usher, bare] = await Promise.all([startUsher(context), startBare({ samples: context.samples })]);
  const [usherLoad, bareLoad] = await Promise.all([startLoad(), startLoad()]);
  const { devices } = context.options;
  for (const [load, kind, port] of [
    [usherLoad, 'usher', usher.port],
    [bareLoad, 'bare', bare.port],
  ]) {
    await load.ask('fleet', { kind, port, secret: SECRET, devicesPerUser: DEVICES_PER_USER });
    await load.ask('connect', { to: devices });
  }
  const stop = async () => {
    for (const one of [usherLoad, bareLoad, bare, usher]) await one.stop();
  };
  return { usher, bare, usherLoad, bareLoad, stop };
}

export const viaHttp = (port, more) => ({ kind: 'usher', port, key: ADMIN_KEY, ...more });
export const viaSocket = (port, more) => ({ kind: 'bare', port, ...more });

/** Does it, and tells what the server and PostgreSQL spent meanwhile, in µs of CPU. */
export async function spending({ server, postmaster }, act) {
  preferPostgres(postmaster);
  await pause(300); // what the last one left behind
  const start = performance.now();
  const before = [cpu(server.pid), postmaster ? cpuOfFamily(postmaster) : 0];
  const result = await act();
  const [own, postgres] = [cpu(server.pid) - before[0], postmaster ? cpuOfFamily(postmaster) - before[1] : 0];
  return { ...result, cpu: own, postgres, busy: own / ((performance.now() - start) * 1_000) };
}

/** Every variant once a round, in turn, so that what the machine does meanwhile happens to all. The first round only warms up. */
export async function inTurn(variants, rounds, measure) {
  const results = new Map(variants.map((variant) => [variant, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const variant of variants) {
      const result = await measure(variant, round === 0);
      if (round > 0) results.get(variant).push(result);
    }
  }
  return results;
}
