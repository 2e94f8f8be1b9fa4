/*
 * What a second process brings (PROCESSES=2): the same load on one server process and on two behind one port. Devices of one user are on both,
 * so most events pass from one process to the other, by Redis. Two processes have twice as many events under way.
 *
 * On two cores the load needs one of them, so what two processes could do is also said by CPU, measured with all of them on one core: only
 * a busy server does as much in each turn of its event loop as it would at its limit. A process is at its limit when it uses a whole core, and the
 * busier of two reaches it first.
 */
import { cpus } from 'node:os';
import { SECRET, startLoad, startUsher } from '../servers.mjs';
import { children, cpu, median, pin } from '../stats.mjs';
import { DEVICES_PER_USER, spending, viaHttp } from './side-by-side.mjs';

const BATCH = 100;
/** For each process: events under way, and connections that publish. */
const WINDOW = 400;
const PUBLISHERS = 4;
const BOTH_CORES = '0-1';
const ONE_CORE = '0';
const TIERS = ['routine', 'critical'];

export async function processes(context) {
  const rounds = [];
  for (let round = 0; round < context.options.rounds; round += 1)
    rounds.push({ one: await measured(context, 1), two: await measured(context, 2) });
  return TIERS.flatMap((tier) => summarize(tier, rounds));
}

/** In turn, each with a server of its own: beside another one, a server would ask Redis where each user's devices are. */
async function measured(context, count) {
  const { options } = context;
  const server = await startUsher({ ...context, settings: { PROCESSES: String(count) } });
  const load = await startLoad({ cores: String(cpus().length - 1) });
  const fleet = { kind: 'usher', port: server.port, secret: SECRET, devicesPerUser: DEVICES_PER_USER };
  await load.ask('fleet', fleet);
  await load.ask('connect', { to: options.devices });
  const results = {};
  // One process serves by itself; of several, the children serve, and their parent hands out connections.
  const pids = [server.pid, ...children(server.pid)];
  for (const tier of TIERS) {
    const publish = () => published(context, { server, load, tier, count, pids });
    pin(pids, BOTH_CORES);
    await publish(); // only warms up
    const free = await publish();
    pin(pids, ONE_CORE);
    results[tier] = { free, crowded: await publish() };
  }
  await load.stop();
  await server.stop();
  return results;
}

async function published({ options, postmaster }, { server, load, tier, count, pids }) {
  const before = pids.map(cpu);
  const result = await spending({ server, postmaster }, () =>
    load.ask('publish', {
      publisher: viaHttp(server.port, { connections: PUBLISHERS * count }),
      window: WINDOW * count,
      batch: BATCH,
      tier,
      payload: options.payload,
      seconds: options.seconds,
    }),
  );
  const spent = pids.map((pid, n) => cpu(pid) - before[n]);
  return { ...result, all: spent.reduce((sum, one) => sum + one), busiest: Math.max(...spent) };
}

function summarize(tier, rounds) {
  const [one, two] = ['one', 'two'].map((count) => figures(rounds.map((round) => round[count][tier])));
  const row = (what, read, more) => ({
    what: `${what}, ${tier}: two processes; bare: one`,
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
