/*
 * What becomes of 20 urgent events a second while routine ones saturate the server. The urgent ones go to users who are in the
 * flood too; they are published and received by a process that goes first on its core, so that only the server's delay counts. Beside
 * the rows it prints in which step of their way through Usher the urgent events spent their time, and the slowest of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ADMIN_KEY, preferPostgres, SECRET, startBare, startLoad, startUsher } from '../servers.mjs';
import { cpu, median } from '../stats.mjs';
import { joinStamps, stampEvents, stepTable } from '../urgent-steps.mjs';
import { DEVICES_PER_USER, inTurn, viaHttp, viaSocket } from './side-by-side.mjs';

const URGENT_PER_SECOND = 20;
const URGENT_USERS = 20;
const BATCH = 100;
const CONNECTIONS = 16;
const FAST = 4;
const WARM_UP_MS = 1_000;

export async function flood(context) {
  const { options } = context;
  const stamps = mkdtempSync(join(tmpdir(), 'usher-bench-stamps-'));
  const usher = await side('usher', await startUsher({ ...context, stamps }), options);
  const bare = await side('bare', await startBare(), options);
  const variants = [
    // The same number of publishers, each with a batch under way.
    {
      name: 'bare, batches',
      on: bare,
      publisher: viaSocket(bare.server.port, { way: 'batch', waits: true, connections: CONNECTIONS }),
    },
    { name: 'usher', on: usher, publisher: viaHttp(usher.server.port, { connections: CONNECTIONS }), stamps },
    // Publishers that send as fast as TCP takes it: what loops around emit() do.
    {
      name: 'bare, fast publishers',
      on: bare,
      publisher: viaSocket(bare.server.port, { connections: FAST }),
    },
    { name: 'quiet, usher', on: usher, stamps },
    { name: 'quiet, bare', on: bare },
  ];
  const results = await inTurn(variants, options.rounds, (variant, isWarmUp) =>
    measure(variant, {
      ...options,
      postmaster: context.postmaster,
      seconds: isWarmUp ? 2 : 2 * options.seconds,
    }),
  );
  for (const { stop } of [usher, bare]) await stop();
  rmSync(stamps, { recursive: true, force: true });
  for (const [{ name, ...variant }, rounds] of results)
    if (variant.stamps) console.log(`\n${name}\n${stepTable(rounds.map(({ steps }) => steps))}`);
  return summarize(results);
}

async function side(kind, server, { devices }) {
  const [load, probe] = await Promise.all([startLoad(), startLoad({ first: true })]);
  const of = { kind, port: server.port, secret: SECRET, devicesPerUser: DEVICES_PER_USER };
  await load.ask('fleet', of);
  await load.ask('connect', { to: devices });
  await probe.ask('fleet', { ...of, prefix: 'p' });
  await probe.ask('connect', { to: URGENT_USERS * DEVICES_PER_USER });
  const stop = async () => {
    for (const one of [load, probe, server]) await one.stop();
  };
  return { kind, server, load, probe, stop };
}

async function measure(
  { on: { kind, server, load, probe }, publisher, stamps },
  { payload, seconds, postmaster },
) {
  preferPostgres(postmaster); // it shares a core with the load, which --urgent prefers
  const others = Array.from({ length: URGENT_USERS }, (_, n) => `p${n}`);
  if (publisher) await load.ask('flood', { publisher, payload, batch: BATCH, others });
  await pause(publisher ? WARM_UP_MS : 100);
  const [spent, start] = [cpu(server.pid), performance.now()];
  const endStamps = stamps && stampEvents(server, stamps);
  const urgent = await probe.ask('publishAtRate', {
    publisher:
      kind === 'usher'
        ? { kind, port: server.port, key: ADMIN_KEY, connections: 8, follows: true }
        : { kind, port: server.port },
    payload,
    users: others,
    perSecond: URGENT_PER_SECOND,
    seconds,
    tier: 'critical',
  });
  const busy = (cpu(server.pid) - spent) / ((performance.now() - start) * 1_000);
  const seen = await endStamps?.();
  const flooded = publisher ? await load.ask('stopFlood') : undefined;
  return {
    ...urgent,
    steps: seen && { events: joinStamps(urgent.followed, seen), loop: seen.loop },
    busy,
    floodPerSecond: flooded && flooded.deliveries / flooded.seconds,
    floodFailed: flooded?.failed,
  };
}

function summarize(results) {
  const of = new Map();
  for (const [{ name }, rounds] of results) {
    of.set(name, {
      p50: median(rounds.map((one) => one.latency.p50)) / 1_000,
      p99: median(rounds.map((one) => one.latency.p99)) / 1_000,
      p99s: rounds.map((one) => one.latency.p99 / 1_000),
      max: Math.max(...rounds.map((one) => one.latency.max)) / 1_000,
      busy: median(rounds.map((one) => one.busy)),
      floodPerSecond: median(rounds.map((one) => one.floodPerSecond)),
      faults: rounds.reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0),
    });
  }
  const row = (what, ours, theirs, which, bar) => {
    const [usher, bare] = [of.get(ours), of.get(theirs)];
    const ratio = usher[which] / bare[which];
    const holds = bar ? usher[which] <= 25 && ratio <= 1 / 50 : undefined;
    return { what, usher: usher[which], bare: bare[which], ratio, bar, holds, more: { usher, bare } };
  };
  const bar = '≤ 25 ms and ≤ 0.02';
  const same = `${CONNECTIONS} publishers, each a batch of ${BATCH} under way`;
  return [
    row(`urgent p50 ms in a flood: ${same}`, 'usher', 'bare, batches', 'p50'),
    row(`urgent p99 ms in a flood: ${same}`, 'usher', 'bare, batches', 'p99', bar),
    row(
      `urgent p99 ms in a flood; bare: ${FAST} publishers as fast as TCP takes`,
      'usher',
      'bare, fast publishers',
      'p99',
      bar,
    ),
    row('urgent p99 ms, quiet', 'quiet, usher', 'quiet, bare', 'p99'),
  ];
}
