/*
 * What a second process brings (PROCESSES=2): two processes behind one port that share their users, so that events pass from one to the other by
 * Redis, beside what two carry that share nothing, which is twice what one does.
 *
 * The load needs one of two cores, so all servers are on the other one, and their CPU is what is compared: only a busy server does as much in
 * each turn of its event loop as it would at its limit. Two processes on one core disturb each other, whatever they do: they take turns, and find the
 * core's caches full of what the other one did. Two that share nothing do so as well, and that is why they are what is compared with. How much
 * it is, the row of those says, beside one that has the core for itself.
 *
 * Heartbeats are most of what devices send, and nearly all of them of a user who has one device: nothing passes between the processes, and each
 * carries what one does that has another beside it. So that is measured, on a core of its own: two on one core would write half as many
 * heartbeats at once as they do at their limit.
 */
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { newInstallation } from '../installation.mjs';
import { preferPostgres, SECRET, startLoad, startUsher } from '../servers.mjs';
import { children, cpu, cpuOfFamily, median, pin } from '../stats.mjs';
import { inTurn, spending, viaHttp, WARM_UP } from './side-by-side.mjs';

const BATCH = 100;
/** For each process: events under way (so few that none supersedes another), and connections that publish. */
const WINDOW = 300;
const PUBLISHERS = 4;
const ONE_CORE = '0';
const TIERS = ['routine', 'critical'];
/** With three devices an event nearly always passes between two processes, with one every second time. */
const DEVICES_PER_USER = [3, 1];

/** For a node that has started or stopped to be known, and for its boot to be over. */
const SETTLED_MS = 8_000;

export async function processes(context) {
  const { DATABASE_URL } = context.environment;
  const others = [
    await newInstallation(DATABASE_URL, 'apart'),
    await newInstallation(DATABASE_URL, 'together'),
  ];
  const rows = [];
  for (const devicesPerUser of DEVICES_PER_USER)
    rows.push(...(await events(context, { urls: [DATABASE_URL, ...others], devicesPerUser })));
  return [...rows, await heartbeatsBesideAnother(context)];
}

/** Each process has half of the devices. `urls`: the databases of the two that share nothing, and that of the two that share their users. */
async function events(context, { urls, devicesPerUser }) {
  const [first, second, together] = await Promise.all(
    urls.map((url, n) => startWithDevices(context, { url, count: n === 2 ? 2 : 1, devicesPerUser })),
  );
  const variants = [
    // One after the other.
    { name: 'alone', groups: [[first], [second]] },
    { name: 'apart', groups: [[first, second]] },
    { name: 'together', groups: [[together]] },
  ];
  const rows = [];
  for (const tier of TIERS) {
    const results = await inTurn(variants, context.options.rounds, ({ groups }, isWarmUp) =>
      published(context, { groups, tier, isWarmUp }),
    );
    rows.push(...summarize(`${tier}, ${devicesPerUser} a user`, variants, results));
  }
  for (const { load, server } of [first, second, together]) {
    await load.stop();
    await server.stop();
  }
  return rows;
}

async function startWithDevices(context, { url, count, devicesPerUser }) {
  const server = await startUsher({
    ...context,
    environment: { ...context.environment, DATABASE_URL: url },
    settings: { PROCESSES: String(count) },
  });
  const load = await startLoad({ cores: String(cpus().length - 1) });
  await load.ask('fleet', { kind: 'usher', port: server.port, secret: SECRET, devicesPerUser });
  await load.ask('connect', { to: (count * context.options.devices) / 2 });
  // One process serves by itself; of several, the children serve, and their parent hands out connections.
  const pids = [server.pid, ...children(server.pid)];
  pin(pids, ONE_CORE);
  return { server, load, pids, count };
}

/** Publishes to all servers of a group at once, to one group after the other. */
async function published({ options, postmaster }, { groups, tier, isWarmUp }) {
  preferPostgres(postmaster);
  const seconds = isWarmUp ? WARM_UP * options.seconds : options.seconds;
  const all = groups.flat();
  const spent = () => ({
    own: all.flatMap(({ pids }) => pids.map(cpu)).reduce((sum, one) => sum + one, 0),
    postgres: postmaster ? cpuOfFamily(postmaster) : 0,
  });
  const before = spent();
  const results = [];
  for (const group of groups) {
    await pause(300); // what the last one left behind
    const ofGroup = group.map(({ server, load, count }) =>
      load.ask('publish', {
        publisher: viaHttp(server.port, { connections: PUBLISHERS * count }),
        window: WINDOW * count,
        batch: BATCH,
        tier,
        payload: options.payload,
        seconds,
      }),
    );
    results.push(...(await Promise.all(ofGroup)));
  }
  const total = (read) => results.reduce((sum, one) => sum + read(one), 0);
  const deliveries = total((one) => one.deliveries);
  const after = spent();
  return {
    cpu: (after.own - before.own) / deliveries,
    postgres: (after.postgres - before.postgres) / deliveries,
    faults: total(({ missing, failed, lost }) => missing + failed + lost),
  };
}

function summarize(load, variants, results) {
  const [alone, apart, together] = variants.map((variant) => ({
    cpu: median(results.get(variant).map((one) => one.cpu)),
    postgres: median(results.get(variant).map(({ postgres }) => postgres)),
    faults: results.get(variant).reduce((sum, { faults }) => sum + faults, 0),
  }));
  // Two that share nothing carry twice what one does.
  const two = { usher: (2e6 / alone.cpu) * (apart.cpu / together.cpu), bare: 1e6 / alone.cpu };
  const holds = two.usher >= 1.7 * two.bare;
  return [
    {
      what: `CPU µs a delivery, ${load}: two processes that share their users; bare: two that share nothing, on one core too`,
      usher: together.cpu,
      bare: apart.cpu,
      ratio: together.cpu / apart.cpu,
      more: { usher: together, bare: apart, postgres: together.postgres },
    },
    {
      what: `CPU µs a delivery, ${load}: two processes that share nothing; bare: one alone on the core`,
      usher: apart.cpu,
      bare: alone.cpu,
      ratio: apart.cpu / alone.cpu,
      more: { usher: apart, bare: alone, postgres: apart.postgres },
    },
    {
      what: `deliveries a second with a core for each process, ${load}: two processes; bare: one`,
      ...two,
      ratio: two.usher / two.bare,
      bar: '≥ 1.7',
      holds,
    },
  ];
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
  const faultsOf = (rounds) => ({
    faults: rounds.reduce((sum, { refused, lost }) => sum + refused + lost, 0),
  });
  const capacity = (rounds) => median(rounds.map(({ heartbeats, cpu: spent }) => (1e6 * heartbeats) / spent));
  const [one, two] = [capacity(alone), 2 * capacity(beside)];
  return {
    what: 'heartbeats a second with a core for each process, 1 device a user: two processes (twice one that has another beside it); bare: one',
    usher: two,
    bare: one,
    ratio: two / one,
    bar: '≥ 1.7',
    holds: two / one >= 1.7,
    more: { usher: faultsOf(beside), bare: faultsOf(alone) },
  };
}
