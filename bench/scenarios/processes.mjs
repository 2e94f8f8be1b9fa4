/*
 * What a second process brings (PROCESSES=2): the same load on one server process and on two behind one port. Devices of one user are on both,
 * so most events pass from one process to the other, by Redis. Two processes have twice as many events under way.
 *
 * On two cores the load needs one of them, so what two processes could do is also said by CPU, measured with all of them on one core: only
 * a busy server does as much in each turn of its event loop as it would at its limit. A process is at its limit when it uses a whole core, and the
 * busier of two reaches it first.
 *
 * Heartbeats are most of what devices send, and nearly all of them of a user who has one device: nothing passes between the processes, and each
 * carries what one does that has another beside it. So that is measured, on a core of its own: two on one core would write half as many
 * heartbeats at once as they do at their limit.
 */
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { SECRET, startLoad, startUsher } from '../servers.mjs';
import { children, cpu, median, pin } from '../stats.mjs';
import { spending, viaHttp, WARM_UP } from './side-by-side.mjs';

const BATCH = 100;
/** For each process: events under way (so few that none supersedes another), and connections that publish. */
const WINDOW = 300;
const PUBLISHERS = 4;
const BOTH_CORES = '0-1';
const ONE_CORE = '0';
const TIERS = ['routine', 'critical'];
/** With three devices an event nearly always passes between two processes, with one every second time. */
const DEVICES_PER_USER = [3, 1];

/** For a node that has started or stopped to be known, and for its boot to be over. */
const SETTLED_MS = 8_000;

export async function processes(context) {
  const rounds = [];
  for (let round = 0; round < context.options.rounds; round += 1)
    for (const devicesPerUser of DEVICES_PER_USER)
      for (const count of [1, 2]) rounds.push(...(await measured(context, { count, devicesPerUser })));
  const ofEvents = DEVICES_PER_USER.flatMap((devicesPerUser) =>
    TIERS.flatMap((tier) =>
      summarize(
        `${tier}, ${devicesPerUser} a user`,
        rounds.filter((round) => round.tier === tier && round.devicesPerUser === devicesPerUser),
      ),
    ),
  );
  return [...ofEvents, await heartbeatsBesideAnother(context)];
}

/** A node on core 0 alone, and with another one beside it, in turn. */
async function heartbeatsBesideAnother(context) {
  const { options, postmaster } = context;
  const loadCore = String(cpus().length - 1);
  const server = await startUsher({ ...context, cores: ONE_CORE });
  const load = await startLoad({ cores: loadCore });
  await load.ask('fleet', { kind: 'usher', port: server.port, secret: SECRET, devicesPerUser: 1 });
  await load.ask('connect', { to: options.devices });
  const beat = () =>
    spending({ server, postmaster }, () =>
      load.ask('heartbeats', { window: WINDOW, seconds: 2 * options.seconds }),
    );
  await beat(); // only warms up
  const [alone, beside] = [[], []];
  for (let round = 0; round < options.rounds; round += 1) {
    alone.push(await beat());
    const other = await startUsher({ ...context, cores: loadCore, profile: undefined });
    await pause(SETTLED_MS);
    beside.push(await beat());
    await other.stop();
    await pause(SETTLED_MS);
  }
  await load.stop();
  await server.stop();
  const capacity = (rounds) => median(rounds.map(({ heartbeats, cpu: spent }) => (1e6 * heartbeats) / spent));
  const [one, two] = [capacity(alone), 2 * capacity(beside)];
  return {
    what: 'heartbeats a second with a core for each process, 1 device a user: two processes (twice one that has another beside it); bare: one',
    usher: two,
    bare: one,
    ratio: two / one,
    bar: '≥ 1.7',
    holds: two / one >= 1.7,
    more: { faults: [...alone, ...beside].reduce((sum, { refused, lost }) => sum + refused + lost, 0) },
  };
}

/** In turn, each with a server of its own: beside another one, a server would ask Redis where each user's devices are. */
async function measured(context, { count, devicesPerUser }) {
  const { options } = context;
  const server = await startUsher({ ...context, settings: { PROCESSES: String(count) } });
  const load = await startLoad({ cores: String(cpus().length - 1) });
  const fleet = { kind: 'usher', port: server.port, secret: SECRET, devicesPerUser };
  await load.ask('fleet', fleet);
  await load.ask('connect', { to: options.devices });
  const results = [];
  // One process serves by itself; of several, the children serve, and their parent hands out connections.
  const pids = [server.pid, ...children(server.pid)];
  for (const tier of TIERS) {
    const publish = ({ seconds } = options) =>
      published(context, { server, load, tier, count, pids, seconds });
    pin(pids, BOTH_CORES);
    await publish({ seconds: WARM_UP * options.seconds });
    const free = await publish();
    pin(pids, ONE_CORE);
    results.push({ tier, count, devicesPerUser, free, crowded: await publish() });
  }
  await load.stop();
  await server.stop();
  return results;
}

async function published({ options, postmaster }, { server, load, tier, count, pids, seconds }) {
  const before = pids.map(cpu);
  const result = await spending({ server, postmaster }, () =>
    load.ask('publish', {
      publisher: viaHttp(server.port, { connections: PUBLISHERS * count }),
      window: WINDOW * count,
      batch: BATCH,
      tier,
      payload: options.payload,
      seconds,
    }),
  );
  const spent = pids.map((pid, n) => cpu(pid) - before[n]);
  return { ...result, all: spent.reduce((sum, one) => sum + one), busiest: Math.max(...spent) };
}

function summarize(load, rounds) {
  const [one, two] = [1, 2].map((wanted) => figures(rounds.filter(({ count }) => count === wanted)));
  const row = (what, read, more) => ({
    what: `${what}, ${load}: two processes; bare: one`,
    usher: read(two),
    bare: read(one),
    ratio: read(two) / read(one),
    ...more,
    more: { ...more?.more, usher: two, bare: one },
  });
  const capacity = row('deliveries a second with a core for each process', ({ capacity }) => capacity);
  return [
    row('deliveries a second on two cores with the load and PostgreSQL', ({ perSecond }) => perSecond),
    row('CPU µs a delivery', ({ cpu }) => cpu, { more: { postgres: two.postgres } }),
    { ...capacity, bar: '≥ 1.7', holds: capacity.ratio >= 1.7 },
  ];
}

function figures(results) {
  const mid = (read) => median(results.map(read));
  return {
    perSecond: mid(({ free }) => free.deliveries / free.seconds),
    cpu: mid(({ crowded }) => crowded.all / crowded.deliveries),
    capacity: mid(({ crowded }) => (1e6 * crowded.deliveries) / crowded.busiest),
    postgres: mid(({ crowded }) => crowded.postgres / crowded.deliveries),
    busy: mid(({ crowded }) => crowded.all / (crowded.seconds * 1e6)),
    faults: results
      .flatMap(({ free, crowded }) => [free, crowded])
      .reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0),
  };
}
