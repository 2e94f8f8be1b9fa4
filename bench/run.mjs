/*
 * `npm run bench`: Usher beside bare Socket.IO 4.8.3, in turn, on this machine. Prints a table; asserts nothing.
 *   --only delivery,flood   some scenarios        --devices 3000   connected devices, three a user
 *   --rounds 3              of which the median   --idle 5000      connections whose memory is measured
 *   --seconds 4             of each measurement   --rows 30000     of the nightly file
 *   --payload 256           bytes of data         --stops 200      cancellations of `stop`
 *   --pushes 20000          to each provider        --campaign 100000  pushes beside which critical ones are timed
 *   --users 1000000         rows in each table of `scale` (--minutes 3 of load), of `nightly-order` and of `killed-push`, events of one user in `timeline`: run only when named
 *   --users 100000          people of `campaign-once` and `campaign-story`, whose workers are killed, and of `campaign-beside`
 *   --seed 1                of the moments of `killed-push`, of the statements of `digest-week`, and of both of `campaign-story`
 *   --events 10000000       rows of `engagement` beside a year of roll-ups: run only when named
 *   --days 8                that `digest-week` simulates, for `--users`
 *   --quick                 a glance: few devices, one short round
 *   --sockets stock         Usher by Socket.IO's public ways alone (SOCKETS)
 *   --urgent                before other work on a shared machine (root only)
 *   --only stages           where the CPU of a delivery goes: not run unless named
 *   --profile <folder>      a CPU profile of Usher for each scenario (and numbers that mean less)
 *   --heap <folder>         what of Usher's memory survives the young generation, by where it was allocated (likewise)
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { migrate } from '../tools/migrate.mjs';
import { doubts, machine, save, table } from './report.mjs';
import { frontPages } from './scenarios/front-pages.mjs';
import { heartbeats } from './scenarios/heartbeats.mjs';
import { boot } from './scenarios/boot.mjs';
import { broadcastBeside } from './scenarios/broadcast-beside.mjs';
import { campaign } from './scenarios/campaign.mjs';
import { campaignBeside } from './scenarios/campaign-beside.mjs';
import { campaignOnce } from './scenarios/campaign-once.mjs';
import { campaignStory } from './scenarios/campaign-story.mjs';
import { clients } from './scenarios/clients.mjs';
import { connections } from './scenarios/connections.mjs';
import { delivery } from './scenarios/delivery.mjs';
import { digest } from './scenarios/digest.mjs';
import { digestWeek } from './scenarios/digest-week.mjs';
import { engagement } from './scenarios/engagement.mjs';
import { entitlement } from './scenarios/entitlement.mjs';
import { flood } from './scenarios/flood.mjs';
import { killedPush } from './scenarios/killed-push.mjs';
import { latency } from './scenarios/latency.mjs';
import { nightly } from './scenarios/nightly.mjs';
import { nightlyBeside } from './scenarios/nightly-beside.mjs';
import { nightlyOrder } from './scenarios/nightly-order.mjs';
import { nodes } from './scenarios/nodes.mjs';
import { presence } from './scenarios/presence.mjs';
import { processes } from './scenarios/processes.mjs';
import { push } from './scenarios/push.mjs';
import { scale } from './scenarios/scale.mjs';
import { stages } from './scenarios/stages.mjs';
import { stop } from './scenarios/stop.mjs';
import { streams } from './scenarios/streams.mjs';
import { timeline } from './scenarios/timeline.mjs';
import { beUrgent, stopAll, useSockets } from './servers.mjs';
import { children, cpuOfFamily, cpuOfMachine, pin, postmasterOf } from './stats.mjs';

const scenarios = {
  delivery,
  stages,
  latency,
  flood,
  connections,
  heartbeats,
  nightly,
  'nightly-beside': nightlyBeside,
  'nightly-order': nightlyOrder,
  'killed-push': killedPush,
  'front-pages': frontPages,
  entitlement,
  nodes,
  processes,
  presence,
  stop,
  streams,
  boot,
  push,
  campaign,
  clients,
  digest,
  'broadcast-beside': broadcastBeside,
  'campaign-beside': campaignBeside,
  'campaign-once': campaignOnce,
  'campaign-story': campaignStory,
  'digest-week': digestWeek,
  engagement,
  scale,
  timeline,
};
/** Too long for a run of everything. */
const ONLY_WHEN_NAMED = new Set([
  'stages',
  'clients',
  'scale',
  'nightly-beside',
  'nightly-order',
  'killed-push',
  'front-pages',
  'digest',
  'broadcast-beside',
  'campaign-beside',
  'campaign-once',
  'campaign-story',
  'digest-week',
  'engagement',
  'timeline',
]);
const usual = {
  devices: '3000',
  rounds: '3',
  seconds: '4',
  idle: '5000',
  rows: '30000',
  payload: '256',
  stops: '200',
  pushes: '20000',
  campaign: '100000',
  users: '1000000',
  events: '10000000',
  minutes: '3',
  days: '8',
  seed: String(1 + Math.floor(Math.random() * 1e9)),
};
const quick = {
  devices: '600',
  rounds: '1',
  seconds: '2',
  idle: '1000',
  rows: '5000',
  stops: '20',
  pushes: '2000',
  campaign: '5000',
  users: '20000',
  events: '20000',
  minutes: '0.5',
  days: '1',
};
const textOption = { type: 'string' };
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(
      [...Object.keys(usual), 'only', 'profile', 'heap', 'sockets'].map((name) => [name, textOption]),
    ),
    quick: { type: 'boolean' },
    urgent: { type: 'boolean' },
  },
});

process.exitCode = await main().catch((error) => {
  console.error(error);
  return 1;
});

async function main() {
  const { DATABASE_URL, REDIS_URL } = process.env;
  if (!DATABASE_URL || !REDIS_URL) throw new Error('Run it by `npm run bench`, which brings the databases.');
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it needs Linux.');
  if (values.urgent) beUrgent();
  if (values.sockets) useSockets(values.sockets);
  await migrate(DATABASE_URL);
  const postmaster = await postmasterOf(DATABASE_URL);
  const options = optionsOf({ ...usual, ...(values.quick && quick), ...values });
  const context = {
    options,
    postmaster,
    environment: { DATABASE_URL, REDIS_URL },
    profile: values.profile,
    heap: values.heap,
    // Away from the server's core; its later connections follow.
    pinPostgres: (cores) => postmaster && pin([postmaster, ...children(postmaster)], cores),
  };
  const rows = [];
  try {
    context.pinPostgres('1');
    for (const name of chosen()) rows.push(...(await carriedOut(name, context)));
  } finally {
    context.pinPostgres('0-1');
    await stopAll();
  }
  const result = {
    at: new Date().toISOString(),
    machine: machine(),
    options,
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    rows,
  };
  console.log(`\n${result.machine}\n${result.command}\n\n${table(rows)}`);
  for (const doubt of doubts(rows)) console.log(`Doubt: ${doubt}`);
  save(join(fileURLToPath(new URL('.', import.meta.url)), 'results.json'), result);
  return 0;
}

async function carriedOut(name, context) {
  const start = Date.now();
  const strangers = () =>
    cpuOfMachine() - cpuOfFamily(process.pid) - (context.postmaster ? cpuOfFamily(context.postmaster) : 0);
  const before = strangers();
  process.stdout.write(`${name} … `);
  const rows = await scenarios[name](context);
  const seconds = (Date.now() - start) / 1_000;
  const noise = (strangers() - before) / seconds / 1e6;
  console.log(`${seconds.toFixed(0)} s; meanwhile others used ${noise.toFixed(2)} cores\n${table(rows)}`);
  for (const row of rows) Object.assign(row, { scenario: name, noise });
  return rows;
}

function chosen() {
  const names =
    values.only?.split(',') ?? Object.keys(scenarios).filter((name) => !ONLY_WHEN_NAMED.has(name));
  for (const name of names) {
    if (!Object.hasOwn(scenarios, name))
      throw new Error(`No scenario "${name}"; there are ${Object.keys(scenarios).join(', ')}.`);
  }
  return names;
}

function optionsOf(texts) {
  const numbers = Object.keys(usual).map((name) => {
    const number = Number(texts[name]);
    if (!(number > 0)) throw new Error(`--${name} must be a number above 0.`);
    return [name, number];
  });
  return Object.fromEntries(numbers);
}
