/*
 * The nightly file by the Python client: `--users` pages from a Parquet file, pushed once into one installation, and once into another with
 * the pushing process killed three times (SIGKILL, at random moments that follow from `--seed`) and started again. Throws when
 * the two do not end in the same state. Run only when named; needs clients/python/.venv, which clients/python/test.sh makes.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { project } from '../../tools/places.mjs';
import { startServer, stopServer } from '../../tools/processes.mjs';
import { newInstallation } from '../installation.mjs';
import { ADMIN_KEY, startUsher } from '../servers.mjs';
import { peakRss } from '../stats.mjs';

const KILLS = 3;
/** Kills come within this share of the time that the clean push took, so that the last one finds a push that is running. */
const KILLED_WITHIN = 0.85;
const PUSH_WITHIN_MS = 60 * 60_000;
const python = join(project, 'clients', 'python');

export async function killedPush(context) {
  const { options, pinPostgres } = context;
  if (!existsSync(join(python, '.venv', 'bin', 'usher')))
    throw new Error('Run clients/python/test.sh first: it makes the virtual environment with the client.');
  const folder = mkdtempSync(join(tmpdir(), 'usher-killed-push-'));
  pinPostgres('0,1');
  try {
    const rows = options.users;
    const tenth = await push(context, { folder, name: 'tenth', rows: Math.ceil(rows / 10), moments: [] });
    const clean = await push(context, { folder, name: 'clean', rows, moments: [] });
    const moments = killedAt(options.seed, clean.seconds);
    console.log(`seed ${options.seed}: kills after ${moments.map((at) => at.toFixed(1)).join(', ')} s`);
    const killed = await push(context, { folder, name: 'killed', rows, moments });
    return compare({ rows, tenth, clean, killed });
  } finally {
    pinPostgres('1');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns seconds of running, in order, summed over all starts of the pushing process. */
function killedAt(seed, seconds) {
  const random = (n) => createHash('sha256').update(`${seed}/${n}`).digest().readUInt32BE() / 2 ** 32;
  const moments = Array.from({ length: KILLS }, (_, n) => random(n) * KILLED_WITHIN * seconds);
  return moments.sort((a, b) => a - b);
}

/** One push into an installation of its own, by a node of its own. */
async function push(context, { folder, name, rows, moments }) {
  const file = join(folder, `${name}.parquet`);
  await run(join(python, '.venv', 'bin', 'python'), ['bench/push.py', '--write', file, String(rows)]).ended;
  const DATABASE_URL = await newInstallation(context.environment.DATABASE_URL, name);
  const environment = { ...context.environment, DATABASE_URL };
  const server = await startUsher({ ...context, environment, cores: '0,1' });
  try {
    const pushed = await pushFile({ file, port: server.port, moments });
    const node = peakRss(server.pid);
    const state = await stateOf(DATABASE_URL);
    console.log(`${name}: ${JSON.stringify({ ...pushed.summary, state })}`);
    return { ...pushed, node, state };
  } finally {
    await server.stop();
    rmSync(file, { force: true });
  }
}

/** Starts the client until it is through, and kills it at each of the moments. */
async function pushFile({ file, port, moments }) {
  const journal = () => readJournal(`${file}.usher-journal`);
  const interrupted = [];
  let [seconds, pusher] = [0, 0];
  const once = async (killAfter) => {
    const start = performance.now();
    const one = run(
      join(python, '.venv', 'bin', 'usher'),
      ['recommendations', 'push', file, '--json', '--quiet'],
      {
        env: { PATH: process.env.PATH, USHER_URL: `http://127.0.0.1:${port}`, USHER_SERVICE_KEY: ADMIN_KEY },
        killAfter,
      },
    );
    const output = await one.ended;
    seconds += (performance.now() - start) / 1_000;
    pusher = Math.max(pusher, one.peak());
    return output;
  };
  for (const moment of moments) {
    await once(Math.max(0, moment - seconds));
    interrupted.push(journal());
  }
  const summary = JSON.parse(await once());
  const { done } = journal();
  const again = new Set();
  for (const [n, { done: before, sending }] of interrupted.entries()) {
    const pending = [...sending].filter((digest) => !before.has(digest));
    const known = pending.filter((digest) => again.has(digest)).length;
    for (const digest of pending) again.add(digest);
    // A part that two kills in a row found under way may have been sent between them or not: the journal notes the first time.
    console.log(
      `kill ${n + 1}: the journal had ${before.size} parts done, ${pending.length} under way (${known} of them at an earlier kill too)`,
    );
  }
  const outcomes = [...again].map((digest) => done.get(digest));
  const sum = (of) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  if (moments.length > 0)
    console.log(
      `sent again: ${again.size} parts, ${sum((one) => one.accepted + one.unchanged + one.stale + one.rejectedCount)} rows, ` +
        `of which ${sum(({ unchanged }) => unchanged)} were in (unchanged) and ${sum(({ stale }) => stale)} were stale`,
    );
  return { summary, seconds, pusher };
}

/** The parts that were sent, and the outcomes of those that are known to be in. The last line may be cut off. */
function readJournal(path) {
  const [sending, done] = [new Set(), new Map()];
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  for (const record of lines.map((line) => JSON.parse(line))) {
    if (record.sending) sending.add(record.sending);
    if (record.done) done.set(record.done, record);
  }
  return { sending, done };
}

/** `ended` resolves with what it printed; it rejects when it fails otherwise than by our kill after `killAfter` seconds. */
function run(command, args, { env = process.env, killAfter } = {}) {
  const server = startServer(command, args, { cwd: python, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let [output, peak] = ['', 0];
  server.child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const watch = setInterval(() => (peak = Math.max(peak, peakRss(server.pid) ?? 0)), 100);
  const ended = (async () => {
    const limit = killAfter === undefined ? PUSH_WITHIN_MS : killAfter * 1_000;
    const late = new AbortController();
    const patience = pause(limit, 'late', { signal: late.signal }).catch(() => {});
    const first = await Promise.race([server.exited, patience]);
    late.abort();
    if (first === 'late') await stopServer(server, [['SIGKILL', 5_000]]);
    clearInterval(watch);
    if (killAfter !== undefined && first !== 'late') throw new Error(`${command} ended before it was killed`);
    if (killAfter === undefined && first.code !== 0)
      throw new Error(`${command} failed: ${JSON.stringify(first)}`);
    return output;
  })();
  return { ended, peak: () => peak };
}

/** What must be the same: a digest of all pages, and that each user's mailbox got one event, and has it. */
async function stateOf(databaseUrl) {
  const [pages] = await query(
    databaseUrl,
    `SELECT count(*)::int AS pages, encode(sha256(string_agg(
       sha256(convert_to(json_build_array(user_id, profile_id, version, items)::text, 'UTF8')), '' ORDER BY user_id, profile_id)), 'hex') AS digest
     FROM recommendation`,
  );
  const [mailboxes] = await query(
    databaseUrl,
    `SELECT count(*)::int AS mailboxes,
       count(*) FILTER (WHERE e.entries = 1 AND e.ready = 1 AND m.last_offset = 1)::int AS "withOneEntry"
     FROM mailbox m LEFT JOIN (
       SELECT user_id, count(*) AS entries, count(*) FILTER (WHERE type = 'recommendations.ready') AS ready
       FROM mailbox_entry GROUP BY user_id) e USING (user_id)`,
  );
  return { ...pages, ...mailboxes };
}

async function query(databaseUrl, text) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function compare({ rows, tenth, clean, killed }) {
  const { pages, mailboxes, withOneEntry } = clean.state;
  if (!isDeepStrictEqual([pages, mailboxes, withOneEntry], [rows, rows, rows]))
    throw new Error(`The clean push left another state than ${rows} pages and entries`);
  if (!isDeepStrictEqual(clean.state, killed.state))
    throw new Error('The two installations are not in the same state');
  const { accepted, unchanged, stale, rejectedCount } = killed.summary;
  if (accepted + unchanged !== rows || stale + rejectedCount !== 0)
    throw new Error(`The totals of the killed push are wrong: ${JSON.stringify(killed.summary)}`);
  const row = (what, usher, bare) => ({ what, usher, bare, ratio: usher / bare });
  const tenths = `(bare: a tenth of the rows)`;
  return [
    row(
      `rows a second by the Python client, killed ${KILLS} times (bare: never)`,
      rows / killed.seconds,
      rows / clean.seconds,
    ),
    row(
      `MiB resident at most, the pushing process, ${rows} rows ${tenths}`,
      clean.pusher / 1_024,
      tenth.pusher / 1_024,
    ),
    row(`MiB resident at most, the node ${tenths}`, clean.node / 1_024, tenth.node / 1_024),
    row(`the same, pusher killed ${KILLS} times`, killed.pusher / 1_024, tenth.pusher / 1_024),
    row(`the same, node, killed ${KILLS} times`, killed.node / 1_024, tenth.node / 1_024),
  ];
}
