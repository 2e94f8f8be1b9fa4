/*
 * What a connection costs: CPU and time to make one (Usher: token verified, device found, position resumed, presence kept;
 * bare: nothing of it), and memory while it idles.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SECRET, startBare, startLoad, startUsher } from '../servers.mjs';
import { median, rss } from '../stats.mjs';
import { DEVICES_PER_USER, spending } from './side-by-side.mjs';

const AT_ONCE = 100;
const SLOWLY = 1_000; // a second
const SETTLE_MS = 1_500;

export async function connections(context) {
  const { rounds, idle } = context.options;
  const kinds = {
    usher: (more) => startUsher({ ...context, ...more }),
    bare: (more) => startBare(more),
  };
  const results = { usher: [], bare: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const [kind, start] of Object.entries(kinds)) {
      const storm = await stormOf(kind, await start({}), idle);
      const memory = await memoryOf(kind, await start({ settles: true }), idle);
      results[kind].push({ ...storm, ...memory });
    }
  }
  const mid = (kind, which) => median(results[kind].map((one) => one[which]));
  const row = (what, which, bar, isGood) => {
    const [usher, bare] = [mid('usher', which), mid('bare', which)];
    const ratio = usher / bare;
    return {
      what,
      usher,
      bare,
      ratio,
      bar,
      holds: isGood(ratio),
      more: { usher: results.usher, bare: results.bare },
    };
  };
  return [
    row(`KiB an idle connection (of ${idle})`, 'kib', '≤ 1.1, goal < 1', (ratio) => ratio <= 1.1),
    row(
      `connects a second (storm of ${idle}, ${AT_ONCE} at once)`,
      'perSecond',
      '≥ 0.5',
      (ratio) => ratio >= 0.5,
    ),
    row('CPU µs a connect', 'cpuEach', '≤ 2', (ratio) => ratio <= 2),
  ];
}

async function stormOf(kind, server, count) {
  const load = await loadFor(kind, server);
  await load.ask('connect', { to: count, concurrency: AT_ONCE }); // registers the devices
  await load.ask('close');
  await pause(500);
  const { seconds, cpu } = await spending({ server }, async () => ({
    seconds: await load.ask('connect', { to: count, concurrency: AT_ONCE }),
  }));
  await load.stop();
  await server.stop();
  return { perSecond: count / seconds, cpuEach: cpu / count };
}

async function memoryOf(kind, server, count) {
  const load = await loadFor(kind, server);
  await load.ask('connect', { to: 300 });
  await load.ask('close');
  const before = await settled(server);
  await load.ask('connect', { to: count, concurrency: AT_ONCE, perSecond: SLOWLY });
  const after = await settled(server);
  await load.stop();
  await server.stop();
  return { kib: (after - before) / count };
}

async function settled(server) {
  await pause(SETTLE_MS);
  server.child.kill('SIGWINCH');
  await pause(SETTLE_MS);
  return rss(server.pid);
}

async function loadFor(kind, server) {
  const load = await startLoad();
  await load.ask('fleet', { kind, port: server.port, secret: SECRET, devicesPerUser: DEVICES_PER_USER });
  return load;
}
