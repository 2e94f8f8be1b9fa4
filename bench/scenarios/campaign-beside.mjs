/*
 * Critical events to connected devices, without a campaign and beside one to `--users` people that one node finds, queues and hands over at
 * CAMPAIGN_MEMBERS_PER_SECOND. Run only when named.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { campaignOn, CONTACT_KEY, TEMPLATE } from '../campaigns/advent.mjs';
import { addPeople } from '../campaigns/people.mjs';
import { newInstallation } from '../installation.mjs';
import { startUsher } from '../servers.mjs';
import { adminCall, criticalRows, measured, startCritical } from './critical-beside.mjs';

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
  let load;
  try {
    await addPeople(client, options.users, CONTACT_KEY);
    const critical = await startCritical(usher.port, options);
    ({ load } = critical);
    await critical.measure(); // warms up
    const alone = await measured(options.rounds, critical.measure);
    await begin(usher.port, client);
    const [before, began] = [await countQueued(client), performance.now()];
    const beside = await measured(options.rounds, critical.measure);
    const perSecond = ((await countQueued(client)) - before) / ((performance.now() - began) / 1_000);
    const isRunning = (await stateOf(client)) === 'running';
    return [
      ...criticalRows('a campaign', { alone, beside }),
      {
        what: `members queued a second meanwhile, of ${options.users.toLocaleString('en')}${isRunning ? '' : ' (it ended before the measurement did)'}`,
        usher: perSecond,
      },
    ];
  } finally {
    await load?.stop();
    await usher.stop();
    await client.end();
  }
}

/** Writes the campaign, and waits until it is being sent. */
async function begin(port, client) {
  await adminCall(port, 'PUT', '/v1/templates/advent', TEMPLATE);
  await adminCall(port, 'PUT', '/v1/campaigns/advent', CAMPAIGN);
  await adminCall(port, 'POST', '/v1/campaigns/advent/approve');
  await adminCall(port, 'POST', '/v1/campaigns/advent/schedule');
  for (const deadline = Date.now() + BEGINS_WITHIN_MS; Date.now() < deadline; await pause(LOOK_EVERY_MS))
    if ((await countQueued(client)) > 0) return;
  throw new Error(`the campaign did not begin within ${BEGINS_WITHIN_MS / 1_000} s`);
}

const one = async (client, text) => (await client.query(text)).rows[0];
const countQueued = async (client) =>
  (await one(client, `SELECT coalesce(sum(count), 0)::int AS n FROM campaign_tally WHERE what = 'queued'`)).n;
const stateOf = async (client) => (await one(client, 'SELECT state FROM campaign')).state;
