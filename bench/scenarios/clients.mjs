/*
 * What one connected client costs its device: bytes on the wire, CPU and memory, idle and busy. The web client beside socket.io-client, both in
 * Node; the Kotlin and Swift clients by themselves, where their toolchains are. A busy client hears 500 important events a second, a key each, and
 * acknowledges all of them, on both sides. Bytes are those of TCP's payload, counted by a proxy.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startInRoom, clientScript } from '../../tools/room/programs.mjs';
import { signUserToken, startSignIn } from '../../tools/room/sign-in.mjs';
import { TcpProxy } from '../../tools/tcp-proxy.mjs';
import { BarePublisher, UsherPublisher } from '../load/publishers.mjs';
import { ADMIN_KEY, SECRET, startBare, startOneClient, startUsher } from '../servers.mjs';
import { cpu, rss } from '../stats.mjs';

const SETTLE_MS = 3_000;
/** Whole numbers of pings on both sides: one every 20 s, and every 25 s. */
const IDLE_MS = 100_000;
const BUSY_MS = 10_000;
/** 500 a second. */
const BATCH = 25;
const BATCH_EVERY_MS = 50;
const WITHIN_MS = 60_000;
const TOKEN_SECONDS = 3_600;

export async function clients(context) {
  const [usher, bare] = await Promise.all([startUsher(context), startBare()]);
  const usherUrl = `http://127.0.0.1:${usher.port}`;
  const signIn = await startSignIn({ secret: SECRET, tokenSeconds: TOKEN_SECONDS, page: null });
  const { payload } = context.options;
  // Opened anew each time: one that idles is closed by the server.
  const viaHttp = () => new UsherPublisher({ port: usher.port, key: ADMIN_KEY, payload });
  const viaSocket = () => new BarePublisher({ port: bare.port, way: 'acked', payload });
  try {
    const web = await measured(usherUrl, viaHttp, 'web', openInNode('usher'));
    const plain = await measured(`http://127.0.0.1:${bare.port}`, viaSocket, 'bare', openInNode('bare'));
    const rows = rowsOf('the web client in Node', web, plain);
    for (const name of ['kotlin', 'swift']) {
      const result = await measured(usherUrl, viaHttp, name, openFromScript(name, signIn));
      if (result.missing) process.stdout.write(`${name} left out: ${result.missing} … `);
      else rows.push(...rowsOf(`the ${name} client`, result));
    }
    return rows;
  } finally {
    signIn.close();
    await usher.stop();
    await bare.stop();
  }
}

/** Opens a client through a proxy, and returns what it took, idle and busy; `{ missing }` if its toolchain is. */
async function measured(url, openPublisher, user, open) {
  const proxy = await TcpProxy.start(url);
  const client = await open(proxy.url, user);
  try {
    if (client.missing) return client;
    await pause(SETTLE_MS);
    const idle = await spent(client.pid, proxy, () => pause(IDLE_MS));
    let events = 0;
    const busy = await spent(client.pid, proxy, async () => {
      const publisher = openPublisher();
      try {
        await publisher.ready;
        events = await publishSteadily(publisher, user);
        await untilHeard(client, events);
      } finally {
        publisher.close();
      }
    });
    return { idle, busy, events };
  } finally {
    await client.stop?.();
    proxy.close();
  }
}

/** Returns bytes, µs of CPU and, at the end, KiB of memory. */
async function spent(pid, proxy, act) {
  const before = { ...proxy.bytes, cpu: cpu(pid) };
  await act();
  const { toClient, toNode } = proxy.bytes;
  return {
    toClient: toClient - before.toClient,
    toNode: toNode - before.toNode,
    cpu: cpu(pid) - before.cpu,
    memory: rss(pid),
  };
}

async function publishSteadily(publisher, user) {
  const batches = BUSY_MS / BATCH_EVERY_MS;
  const start = performance.now();
  for (let batch = 0; batch < batches; batch += 1) {
    const keys = Array.from({ length: BATCH }, (_, n) => `note:${batch * BATCH + n}`);
    await untilFree(publisher);
    publisher.send(keys.map((key) => ({ user, type: 'note', tier: 'important', key })));
    await pause(Math.max(0, start + (batch + 1) * BATCH_EVERY_MS - performance.now()));
  }
  return batches * BATCH;
}

async function untilFree(publisher) {
  for (const deadline = Date.now() + WITHIN_MS; !publisher.free; await pause(1))
    if (Date.now() > deadline) throw new Error('the publisher waits for an answer');
}

async function untilHeard(client, events) {
  for (const deadline = Date.now() + WITHIN_MS; (await client.heard()) < events; await pause(200)) {
    if (Date.now() > deadline) throw new Error(`heard ${await client.heard()} of ${events} events`);
  }
}

function openInNode(kind) {
  return async (url, user) => {
    const client = await startOneClient();
    await client.ask(kind, { url, user, token: signUserToken(user, TOKEN_SECONDS, SECRET) });
    return { pid: client.pid, stop: client.stop, heard: () => client.ask('heard') };
  };
}

/** A device of the room, which hears without a word; what it heard is its position, since all that its user has is published here. */
function openFromScript(name, signIn) {
  return async (url, user) => {
    const environment = {
      ROOM_URL: url,
      ROOM_TOKENS: `${signIn.url}/token`,
      ROOM_DEVICE: 'bench',
      ROOM_QUIET: '1',
      ROOM_SWIFT_BUILD: 'release',
    };
    const told = { connection: undefined, offset: 0 };
    const onLine = ({ connection, report }) => {
      told.connection = connection ?? told.connection;
      told.offset = report?.position.offset ?? told.offset;
    };
    const client = await startInRoom(clientScript(name), environment, onLine);
    if (client.missing) return client;
    client.order({ do: 'sign-in', user });
    for (const deadline = Date.now() + WITHIN_MS; told.connection !== 'live'; await pause(50)) {
      if (Date.now() < deadline) continue;
      await client.stop();
      throw new Error(`${name} did not come live`);
    }
    const heard = () => {
      client.order({ do: 'report' });
      return told.offset;
    };
    return { ...client, heard };
  };
}

function rowsOf(who, usher, bare) {
  const perMinute = 60_000 / IDLE_MS;
  const figures = {
    'idle, bytes a minute to it': ({ idle }) => idle.toClient * perMinute,
    'idle, bytes a minute from it': ({ idle }) => idle.toNode * perMinute,
    'idle, ms of CPU a minute': ({ idle }) => (idle.cpu * perMinute) / 1_000,
    'idle, MiB': ({ idle }) => idle.memory / 1_024,
    'busy, bytes to it an event': ({ busy, events }) => busy.toClient / events,
    'busy, bytes from it an event': ({ busy, events }) => busy.toNode / events,
    'busy, µs of CPU an event': ({ busy, events }) => busy.cpu / events,
    'busy, MiB': ({ busy }) => busy.memory / 1_024,
  };
  return Object.entries(figures).map(([what, of]) => {
    const row = { what: `${who}: ${String(what)}`, usher: of(usher) };
    return bare ? Object.assign(row, { bare: of(bare), ratio: row.usher / of(bare) }) : row;
  });
}
