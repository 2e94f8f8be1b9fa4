/*
 * `npm run test:room`: a browser, Node, a Kotlin and a Swift client of one user, and the Python client that publishes to them, on two nodes. Every one
 * has a line of its own. Lines are cut, a node is killed and started again, tokens are renewed, and another user signs in and out.
 * In the end each device must have heard every number once and in order, and know what the server knows. A client whose toolchain is missing
 * is named and left out.
 *   kotlin browser                only these devices; there are node, browser, kotlin and swift
 *   --seed 7      of the faults: the same moments and lines     --seconds 60  of publishing, 20 events a second
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { watchForInterruption } from './interruption.mjs';
import { openRoom } from './room/room.mjs';
import { compareState, formatTable, judgeHeard } from './room/verdict.mjs';
import { withDatabases } from './test.mjs';

/** On a machine that does much else, too. */
const WITHIN_MS = 180_000;
const POLL_MS = 100;
const EVENTS_PER_SECOND = 20;
/** Events in a call. */
const MAX_BATCH = 100;
/** A device must have renewed its token at least so often without a new connection, if there is time for it. */
const RENEWALS = 2;
const RENEWALS_NEED_SECONDS = 30;
const MAX_FAILURES = 5;

/** Returns the exit code: 0 if every device is right. */
export async function testRoom(args) {
  const { values, positionals: names } = parseArgs({
    args,
    allowPositionals: true,
    options: { seed: { type: 'string' }, seconds: { type: 'string' } },
  });
  const seed = values.seed ?? String(1 + Math.floor(Math.random() * 1e9));
  const seconds = Number(values.seconds ?? 60);
  if (!(seconds > 0)) throw new Error('--seconds must be a number above 0.');
  const interruption = watchForInterruption();
  const { signal } = interruption;
  try {
    return await withDatabases({ purpose: 'room', durable: false }, async ({ environment }) => {
      const room = await openRoom({ environment, names, seed, signal });
      try {
        const counts = { cuts: 0, kills: 0 };
        const failure = await play(room, { seconds, counts, signal }).catch((error) => error);
        return interruption.exitCode ?? (await conclude(room, { seed, seconds, counts, failure, signal }));
      } finally {
        await room.close();
      }
    });
  } catch (error) {
    if (interruption.exitCode === undefined) throw error;
    return interruption.exitCode;
  } finally {
    interruption.stop();
  }
}

/** The story of the room. `counts` gets how many faults there were. Throws if something never becomes true. */
async function play(room, { seconds, counts, signal }) {
  const wait = (what, condition) => until(what, condition, signal);
  const allAre = (user) => () => room.devices.every((device) => device.live === user);
  const allHeard = (user) => () => room.devices.every((device) => !room.isWaiting(device, user));
  const signIn = async (user) => {
    for (const device of room.devices) device.signIn(user);
    await wait(`every device is live as ${user}`, allAre(user));
  };
  room.publish('bob', 10, { isHeard: false }); // of the past when bob signs in
  await signIn('ann');
  await room.prepareUser('ann');
  const faults = room.startFaults({ killAfterMs: (seconds / 3) * 1_000, counts });
  try {
    await publishFor(room, seconds / 2, signal);
    await room.payFor('ann');
    for (const device of room.devices) device.beat();
    await publishFor(room, seconds / 2, signal);

    await wait('bob’s past is published', room.isPublished);
    await signIn('bob');
    for (let n = 0; n < 10; n += 1) {
      room.publish('bob', 2);
      room.publish('ann', 2); // heard only when ann is back
      await sleep(POLL_MS, undefined, { signal });
    }
    await wait('everything is published', room.isPublished);
    await wait('every device heard what is bob’s', allHeard('bob'));
    await signIn('ann');
    room.publish('ann', 10);
  } finally {
    await faults.stop();
  }
  await wait('everything is published', room.isPublished);
  await wait('every device heard what is ann’s', allHeard('ann'));
}

/** Publishes at a steady rate. While a call is under way, what becomes due waits for the next one. */
async function publishFor(room, seconds, signal) {
  const start = Date.now();
  for (let published = 0; Date.now() < start + seconds * 1_000;) {
    const due = Math.floor(((Date.now() - start) * EVENTS_PER_SECOND) / 1_000) - published;
    if (due > 0 && room.isPublished()) {
      room.publish('ann', Math.min(due, MAX_BATCH));
      published += Math.min(due, MAX_BATCH);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

const HEAD = 'client,heard,missing,doubled,disordered,foreign,connections,tokens renewed,state'.split(',');

/** Prints the table. Returns the exit code. */
async function conclude(room, { seed, seconds, counts, failure, signal }) {
  const rows = [];
  for (const device of room.devices) rows.push(await judge(room, device, seconds, signal));
  const isRed = failure instanceof Error || rows.some(({ isRight }) => !isRight);
  const { cuts, kills } = counts;
  const faults = `${cuts} lines cut, ${kills} node killed`;
  console.log(`\nseed ${seed}: ${room.published.size} events published by ${room.publisherName}; ${faults}`);
  console.log(
    formatTable(
      HEAD,
      rows.map(({ cells }) => cells),
    ),
  );
  for (const { remarks } of rows) for (const remark of remarks) console.log(remark);
  for (const { name, missing } of room.missing) console.log(`left out: ${name}: ${missing}`);
  if (failure instanceof Error) console.log(failure.message);
  console.log(
    isRed ? 'The room is red.' : 'The room is green: all in step, nothing lost, doubled or foreign.',
  );
  return isRed ? 1 : 0;
}

/** Returns a device's row of the table, whether it is right, and what it reported besides. */
async function judge(room, device, seconds, signal) {
  const { name, refused, failures, renewals } = device;
  const difference = await stateOf(room, device, signal);
  const { heard, ...faults } = judgeHeard(name, device.heard, room.published);
  const isRenewed = renewals >= RENEWALS || seconds < RENEWALS_NEED_SECONDS;
  const hasFaults = Object.values(faults).some((count) => count > 0);
  const { missing, doubled, disordered, foreign } = faults;
  const { connections } = device.line.proxy;
  const state = difference === null ? 'the server’s' : `differs: ${difference}`;
  return {
    cells: [name, heard, missing, doubled, disordered, foreign, connections, renewals, state],
    isRight: !hasFaults && difference === null && isRenewed && refused.length === 0,
    remarks: [
      ...refused.map((code) => `${name} was refused: ${code}`),
      ...failures.slice(0, MAX_FAILURES).map((failure) => `${name} reported: ${failure}`),
    ],
  };
}

/** Returns what differs between what the device and the server know, once that no longer changes; null if nothing does. */
async function stateOf(room, device, signal) {
  let difference = 'no report';
  await until(
    'the state is right',
    async () => {
      const [report, server] = await Promise.all([device.report(), room.getServerState('ann')]);
      difference = compareState(device.name, report, server);
      return difference === null;
    },
    signal,
    15_000,
  ).catch(() => {});
  return difference;
}

async function until(what, condition, signal, withinMs = WITHIN_MS) {
  for (const deadline = Date.now() + withinMs; !(await condition());) {
    if (Date.now() > deadline)
      throw new Error(`After ${withinMs / 1_000} s it is still not so that ${what}.`);
    await sleep(POLL_MS, undefined, { signal });
  }
}
