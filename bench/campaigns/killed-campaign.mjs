/*
 * A campaign to many people in three audiences whose workers die. Real processes (dist/usher.js): one that takes the calls, and workers that are
 * killed with SIGKILL at statements of their slices, before PostgreSQL has it or after; the next one does what is left. In between the campaign is
 * paused, a worker finds that out, and it is resumed. What must come of it is counted without the code that sends campaigns.
 */
import pg from 'pg';
import { StatementProxy } from '../statement-proxy.mjs';
import { campaignOn, CONTACT_KEY, TEMPLATE, writeCampaign } from './advent.mjs';
import { READY_WITHIN_MS, startNode, until } from './nodes.mjs';
import { addPeople } from './people.mjs';

const DONE_WITHIN_MS = 1_200_000;
const BEGINS = ['campaign-progress-claim', 'claim-members'];
/** A worker looks for campaigns that run. */
const LOOKS = 'campaigns-running-look';
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
    await writeCampaign(api, TEMPLATE, CAMPAIGN);
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
