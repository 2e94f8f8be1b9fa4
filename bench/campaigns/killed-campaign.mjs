/*
 * A campaign to many people in three audiences whose workers die. Real processes (dist/usher.js): one that takes the calls, and workers that are
 * killed with SIGKILL at statements of their slices, before PostgreSQL has it or after; the next one does what is left. In between the campaign is
 * paused, a worker finds that out, and it is resumed. What must come of it is counted without the code that sends campaigns.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startServer, stopServer } from '../../tools/processes.mjs';
import { StatementProxy } from '../statement-proxy.mjs';
import { campaignOn, CONTACT_KEY, TEMPLATE } from './advent.mjs';
import { addPeople } from './people.mjs';

const READY_WITHIN_MS = 30_000;
const DONE_WITHIN_MS = 1_200_000;
const POLL_MS = 50;
const ADMIN_KEY = 'usher_bench_admin_key_0123456789';
const BEGINS = ['campaign-progress-claim', 'claim-members'];
/** A worker looks for campaigns that run. */
const LOOKS = 'campaigns-running';
const bundle = fileURLToPath(new URL('../../dist/usher.js', import.meta.url));

const CAMPAIGN = campaignOn(['push', 'email']);

/**
 * Runs it for `people` on an empty migrated database, of which `killsAt` kills workers: each the number of statements of the work until then, by turns
 * before and after PostgreSQL has the last one. Returns `{ people, members, found, duplicates, addresses, events, doubled, lost, pushes, mails, whilePaused, seconds,
 * kills }`. `whilePaused`: members who were queued while it was paused.
 */
export async function runKilledCampaign({ databaseUrl, environment, people, killsAt, onKill = () => {} }) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const proxy = await StatementProxy.start(databaseUrl, BEGINS);
  const kills = [];
  let api;
  let worker;
  try {
    const expected = await addPeople(client, people, CONTACT_KEY);
    api = await startNode(databaseUrl, 'api', environment);
    await writeCampaign(api);
    const began = performance.now();
    for (const [n, nth] of killsAt.entries()) {
      worker = await startNode(proxy.url, 'worker', environment);
      const died = proxy.killAt(nth, n % 2 === 0 ? 'before' : 'after', () => worker.kill());
      let isOver = false;
      const isDone = until(
        'the campaign is done',
        async () => isOver || (await isInState(client, 'done')),
        DONE_WITHIN_MS,
      );
      kills.push((await Promise.race([died, isDone.then(() => undefined)])) ?? 'none');
      proxy.disarm();
      worker.kill();
      await worker.ended;
      isOver = true;
      await isDone;
      onKill(n);
    }
    const whilePaused = await pauseAndResume({ client, proxy, api, environment }, (node) => (worker = node));
    await until('the campaign is done', () => isInState(client, 'done'), DONE_WITHIN_MS);
    const seconds = (performance.now() - began) / 1_000;
    await until('the pushes are queued', () => isHandedOver(client), DONE_WITHIN_MS);
    return { ...expected, ...(await count(client)), whilePaused, seconds, kills };
  } finally {
    await worker?.stop();
    await api?.stop();
    proxy.close();
    await client.end();
  }
}

/** Returns how many members were queued while the campaign was paused and a worker looked for work. It leaves a worker that runs. */
async function pauseAndResume({ client, proxy, api, environment }, keep) {
  const isLeft = !(await isInState(client, 'done'));
  if (isLeft) await api.call('POST', '/v1/campaigns/advent/pause');
  const before = await countQueued(client);
  keep(await startNode(proxy.url, 'worker', environment));
  const looked = proxy.seen(LOOKS);
  await until('the worker has looked twice', () => proxy.seen(LOOKS) >= looked + 2, READY_WITHIN_MS);
  const after = await countQueued(client);
  if (isLeft) await api.call('POST', '/v1/campaigns/advent/resume');
  return after - before;
}

async function writeCampaign(api) {
  await api.call('PUT', '/v1/templates/advent', TEMPLATE);
  await api.call('PUT', '/v1/campaigns/advent', CAMPAIGN);
  await api.call('POST', '/v1/campaigns/advent/approve');
  await api.call('POST', '/v1/campaigns/advent/schedule');
}

const one = async (client, text) => (await client.query(text)).rows[0];
const isInState = async (client, state) =>
  (await one(client, `SELECT count(*)::int AS n FROM campaign WHERE state = '${state}'`)).n === 1;
const countQueued = async (client) =>
  (await one(client, `SELECT count(*)::int AS n FROM campaign_member WHERE state = 'queued'`)).n;
const isHandedOver = async (client) =>
  (await one(client, `SELECT count(*)::int AS n FROM handoff WHERE consumer = 'push'`)).n === 0;

/** `doubled`: events and messages that are one too many. `lost`: members who are queued and have none. */
async function count(client) {
  const tally = await one(
    client,
    `SELECT coalesce(sum(count) FILTER (WHERE what = 'member'), 0)::int AS counted, coalesce(sum(count) FILTER (WHERE what = 'duplicate'), 0)::int AS duplicates
     FROM campaign_tally`,
  );
  const rows = await one(
    client,
    `SELECT count(*)::int AS members, count(*) FILTER (WHERE reason = 'duplicate_address')::int AS addresses,
       count(*) FILTER (WHERE state = 'queued')::int AS queued, count(*) FILTER (WHERE channel = 'email')::int AS "byMail",
       count(*) FILTER (WHERE channel = 'push')::int AS "byPush" FROM campaign_member`,
  );
  const sent = await one(
    client,
    `SELECT (SELECT coalesce(sum(last_offset), 0)::int FROM mailbox) AS events, (SELECT count(*)::int FROM mailbox) AS readers,
       (SELECT count(*)::int FROM message WHERE campaign_id = 'advent') AS mails, (SELECT count(*)::int FROM push WHERE campaign_id = 'advent') AS pushes,
       (SELECT count(*)::int FROM campaign_member m WHERE m.state = 'queued' AND NOT EXISTS (
          SELECT FROM mailbox_entry e WHERE e.user_id = m.user_id AND e.id = m.event_id)) AS lost`,
  );
  return {
    ...tally,
    ...rows,
    ...sent,
    doubled: sent.events - sent.readers + (sent.mails - rows.byMail) + (sent.pushes - rows.byPush),
  };
}

async function startNode(databaseUrl, roles, environment) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startServer(process.execPath, [bundle], {
    env: {
      PATH: process.env.PATH,
      AUTH_JWT_SECRET: 'of a pretend campaign, and of no use after it',
      LOG_LEVEL: 'fatal',
      CAMPAIGN_MEMBERS_PER_SECOND: '1000000',
      ACK_TIMEOUT_SECONDS: '1',
      ...environment,
      ADMIN_KEY,
      CONTACT_KEY,
      NODE_ENV: 'test',
      ROLES: roles,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const isReady = async () => {
    if (!server.isRunning()) throw new Error(`a node (${roles}) ended at boot`);
    return fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(`a node (${roles}) is ready`, isReady, READY_WITHIN_MS);
  return {
    ended: server.exited,
    kill: () => void server.child.kill('SIGKILL'),
    stop: () =>
      stopServer(server, [
        ['SIGTERM', 15_000],
        ['SIGKILL', 5_000],
      ]),
    async call(method, path, body) {
      const response = await fetch(`${url}${path}`, {
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
    },
  };
}

async function until(what, isSo, withinMs) {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await pause(POLL_MS))
    if (await isSo()) return;
  throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
}
