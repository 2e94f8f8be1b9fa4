/*
 * Critical events to connected devices, without a campaign and beside one to `--users` people that one node finds, queues and hands over at
 * CAMPAIGN_MEMBERS_PER_SECOND. Each event is timed from when its POST was due to each device. Run only when named.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { campaignOn, CONTACT_KEY, TEMPLATE } from '../campaigns/advent.mjs';
import { addPeople } from '../campaigns/people.mjs';
import { newInstallation } from '../digests/users.mjs';
import { ADMIN_KEY, SECRET, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { DEVICES_PER_USER, viaHttp } from './side-by-side.mjs';

const PER_SECOND = 50;
const BEGINS_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

const CAMPAIGN = campaignOn(['push']);

export async function campaignBeside(context) {
  const { options } = context;
  const databaseUrl = await newInstallation(context.environment.DATABASE_URL, 'campaign_beside');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const environment = { ...context.environment, DATABASE_URL: databaseUrl };
  const usher = await startUsher({ ...context, environment, settings: { CONTACT_KEY } });
  const load = await startLoad({ first: true });
  try {
    await addPeople(client, options.users, CONTACT_KEY);
    await load.ask('fleet', {
      kind: 'usher',
      port: usher.port,
      secret: SECRET,
      devicesPerUser: DEVICES_PER_USER,
    });
    await load.ask('connect', { to: options.devices });
    const measure = () => measured(load, usher.port, options.seconds);
    await measure(); // warms up
    const alone = [];
    for (let round = 0; round < options.rounds; round += 1) alone.push(await measure());
    await begin(usher.port, client);
    const [before, began] = [await countQueued(client), performance.now()];
    const beside = [];
    for (let round = 0; round < options.rounds; round += 1) beside.push(await measure());
    const perSecond = ((await countQueued(client)) - before) / ((performance.now() - began) / 1_000);
    const isRunning = (await stateOf(client)) === 'running';
    return rowsOf({ alone, beside, perSecond, isRunning, users: options.users });
  } finally {
    await load.stop();
    await usher.stop();
    await client.end();
  }
}

const measured = (load, port, seconds) =>
  load.ask('publishAtRate', {
    publisher: viaHttp(port, { connections: 8 }),
    tier: 'critical',
    perSecond: PER_SECOND,
    seconds,
  });

/** Writes the campaign, and waits until it is being sent. */
async function begin(port, client) {
  await call(port, 'PUT', '/v1/templates/advent', TEMPLATE);
  await call(port, 'PUT', '/v1/campaigns/advent', CAMPAIGN);
  await call(port, 'POST', '/v1/campaigns/advent/approve');
  await call(port, 'POST', '/v1/campaigns/advent/schedule');
  for (const deadline = Date.now() + BEGINS_WITHIN_MS; Date.now() < deadline; await pause(LOOK_EVERY_MS))
    if ((await countQueued(client)) > 0) return;
  throw new Error(`the campaign did not begin within ${BEGINS_WITHIN_MS / 1_000} s`);
}

async function call(port, method, path, body) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
      'usher-reason': 'a bench',
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}

const one = async (client, text) => (await client.query(text)).rows[0];
const countQueued = async (client) =>
  (await one(client, `SELECT coalesce(sum(count), 0)::int AS n FROM campaign_tally WHERE what = 'queued'`)).n;
const stateOf = async (client) => (await one(client, 'SELECT state FROM campaign')).state;

function rowsOf({ alone, beside, perSecond, isRunning, users }) {
  const faults = (rounds) =>
    rounds.reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0);
  const of = (rounds, which) => median(rounds.map((round) => round.latency[which])) / 1_000;
  return [
    ...['p50', 'p99'].map((which) => ({
      what: `${which} ms of critical events beside a campaign; bare: without one`,
      usher: of(beside, which),
      bare: of(alone, which),
      ratio: of(beside, which) / of(alone, which),
      more: { usher: { faults: faults(beside) }, bare: { faults: faults(alone) } },
    })),
    { what: 'critical events that were lost, beside a campaign', usher: faults(beside) },
    {
      what: `members queued a second meanwhile, of ${users.toLocaleString('en')}${isRunning ? '' : ' (it ended before the measurement did)'}`,
      usher: perSecond,
    },
  ];
}
