/*
 * From "publish" to the device, at a rate that leaves the server room: single events, 1,000 a second. Critical ones are followed once more, through
 * the steps of their way, since to follow each costs the server and the load something.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../stats.mjs';
import { joinStamps, stampEvents, stepTable } from '../urgent-steps.mjs';
import { inTurn, spending, startPair, viaHttp, viaSocket } from './side-by-side.mjs';

const PER_SECOND = 1_000;
const ROUTINE_MS = 10;
const ROUTINE_RATIO = 1.5;
const CRITICAL_MS = 20;

export async function latency(context) {
  const { options } = context;
  const stamps = mkdtempSync(join(tmpdir(), 'usher-bench-stamps-'));
  const pair = await startPair({ ...context, stamps });
  const { usher, bare, usherLoad, bareLoad } = pair;
  const http = viaHttp(usher.port, { connections: 32 });
  const variants = [
    { name: 'bare', server: bare, load: bareLoad, of: { publisher: viaSocket(bare.port), tier: 'routine' } },
    { name: 'routine', server: usher, load: usherLoad, of: { publisher: http, tier: 'routine' } },
    { name: 'critical', server: usher, load: usherLoad, of: { publisher: http, tier: 'critical' } },
  ];
  const publish = ({ server, load, of }, seconds) =>
    spending({ server, postmaster: context.postmaster }, () =>
      load.ask('publishAtRate', { ...of, payload: options.payload, perSecond: PER_SECOND, seconds }),
    );
  const results = await inTurn(variants, options.rounds, (variant, isWarmUp) =>
    publish(variant, isWarmUp ? 2 * options.seconds : options.seconds),
  );
  const endStamps = stampEvents(usher, stamps);
  const followed = { publisher: { ...http, follows: true }, tier: 'critical' };
  const followedRun = await publish({ server: usher, load: usherLoad, of: followed }, 2 * options.seconds);
  const seen = await endStamps();
  await pair.stop();
  rmSync(stamps, { recursive: true, force: true });
  console.log(`\n${stepTable([{ events: joinStamps(followedRun.followed, seen), loop: seen.loop }])}`);
  const of = new Map();
  for (const [{ name }, rounds] of results) {
    of.set(name, {
      p50: median(rounds.map((one) => one.latency.p50)) / 1_000,
      p99: median(rounds.map((one) => one.latency.p99)) / 1_000,
      busy: median(rounds.map(({ busy }) => busy)),
      faults: rounds.reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0),
    });
  }
  const bars = {
    routine: (p99, ratio) => ({
      bar: `≤ ${ROUTINE_MS} ms and ≤ ${ROUTINE_RATIO} ×`,
      holds: p99 <= ROUTINE_MS && ratio <= ROUTINE_RATIO,
    }),
    critical: (p99) => ({ bar: `≤ ${CRITICAL_MS} ms`, holds: p99 <= CRITICAL_MS }),
  };
  const row = (name, which, unit) => ({
    what: `${unit}, ${PER_SECOND} events a second: ${name}${name === 'critical' ? ' (after the commit)' : ''}`,
    usher: of.get(name)[which],
    bare: of.get('bare')[which],
    ratio: of.get(name)[which] / of.get('bare')[which],
    more: { usher: of.get(name), bare: of.get('bare') },
  });
  return ['routine', 'critical'].flatMap((name) => {
    const p99 = row(name, 'p99', 'p99 ms');
    return [
      row(name, 'p50', 'p50 ms'),
      { ...p99, ...bars[name](p99.usher, p99.ratio) },
      row(name, 'busy', 'how much of its core the server used'),
    ];
  });
}
