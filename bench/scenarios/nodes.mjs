/*
 * What an event costs that comes in by one node for a device on another, and what it costs a third node that has nothing to
 * do with it. Beside bare Socket.IO with its Redis adapters. Every user has one device, so an event is a delivery.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SECRET, startBare, startLoad, startUsher } from '../servers.mjs';
import { cpu, median } from '../stats.mjs';
import { viaHttp, viaSocket, WARM_UP } from './side-by-side.mjs';

const BATCH = 100;
const WINDOW = 400;
const BYSTANDERS = 300;

export async function nodes(context) {
  const bare = (adapter) => () => startBare({ adapter, redisUrl: context.environment.REDIS_URL });
  const kinds = [
    { name: 'usher', kind: 'usher', start: () => startUsher(context), via: (port) => viaHttp(port) },
    { name: 'stock', kind: 'bare', start: bare('stock'), via: (port) => viaSocket(port, { way: 'batch' }) },
    {
      name: 'sharded',
      kind: 'bare',
      start: bare('sharded'),
      via: (port) => viaSocket(port, { way: 'batch' }),
    },
  ];
  const results = new Map();
  for (const one of kinds) results.set(one.name, await measured(context, one));
  const mid = (name, read) => median(results.get(name).map(read));
  const row = (what, other, read, bar, isGood) => {
    const [ours, theirs] = [mid('usher', read), mid(other, read)];
    return { what, usher: ours, bare: theirs, ratio: ours / theirs, bar, holds: isGood(ours, theirs) };
  };
  const both = ({ involved }) => involved;
  const third = ({ bystander }) => bystander;
  return [
    row(
      'CPU µs an event, on two nodes together; bare: stock Redis adapter',
      'stock',
      both,
      '≤ 0.6',
      (a, b) => a <= 0.6 * b,
    ),
    row(
      'CPU µs an event, on two nodes together; bare: sharded adapter',
      'sharded',
      both,
      '',
      () => undefined,
    ),
    row(
      'CPU µs an event, on a third node; bare: stock Redis adapter',
      'stock',
      third,
      'none',
      (a) => a < 0.1,
    ),
  ];
}

/** The door takes the events, the home has the devices, and the bystander has devices of others. */
async function measured({ options }, { kind, start, via }) {
  const [door, home, bystander] = [await start(), await start(), await start()];
  const [load, idle] = [await startLoad(), await startLoad()];
  const fleet = { kind, secret: SECRET, devicesPerUser: 1 };
  await load.ask('fleet', { ...fleet, port: home.port });
  await load.ask('connect', { to: options.devices });
  await idle.ask('fleet', { ...fleet, port: bystander.port, prefix: 'z' });
  await idle.ask('connect', { to: BYSTANDERS });
  const publish = { publisher: via(door.port), window: WINDOW, batch: BATCH, tier: 'routine' };
  const published = (seconds) => load.ask('publish', { ...publish, payload: options.payload, seconds });
  await published(WARM_UP * options.seconds);
  const rounds = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const resting = await spent([bystander], () => pause(options.seconds * 1_000));
    const work = await spent([door, home, bystander], () => published(options.seconds));
    const { deliveries, seconds } = work.result;
    // What a node does anyway (its heartbeat, its timers) is not what an event costs it.
    const alone = (resting.cpu[0] / options.seconds) * seconds;
    rounds.push({
      involved: (work.cpu[0] + work.cpu[1]) / deliveries,
      bystander: Math.max(0, work.cpu[2] - alone) / deliveries,
    });
  }
  for (const one of [load, idle, door, home, bystander]) await one.stop();
  return rounds;
}

async function spent(servers, act) {
  const before = servers.map(({ pid }) => cpu(pid));
  const result = await act();
  return { result, cpu: servers.map(({ pid }, n) => cpu(pid) - before[n]) };
}
