/* From "publish" to the device, at a rate that leaves the server room: single events, 1,000 a second. */
import { median } from '../stats.mjs';
import { inTurn, startPair, viaHttp, viaSocket } from './side-by-side.mjs';

const PER_SECOND = 1_000;

export async function latency(context) {
  const { options } = context;
  const pair = await startPair(context);
  const { usher, bare, usherLoad, bareLoad } = pair;
  const http = viaHttp(usher.port, { connections: 32 });
  const variants = [
    { name: 'bare', load: bareLoad, of: { publisher: viaSocket(bare.port), tier: 'routine' } },
    { name: 'routine', load: usherLoad, of: { publisher: http, tier: 'routine' } },
    { name: 'critical', load: usherLoad, of: { publisher: http, tier: 'critical' } },
  ];
  const results = await inTurn(variants, options.rounds, ({ load, of }, isWarmUp) =>
    load.ask('publishAtRate', {
      ...of,
      payload: options.payload,
      perSecond: PER_SECOND,
      seconds: isWarmUp ? 2 * options.seconds : options.seconds,
    }),
  );
  await pair.stop();
  const of = new Map();
  for (const [{ name }, rounds] of results) {
    of.set(name, {
      p50: median(rounds.map((one) => one.latency.p50)) / 1_000,
      p99: median(rounds.map((one) => one.latency.p99)) / 1_000,
      faults: rounds.reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0),
    });
  }
  return ['routine', 'critical'].flatMap((name) =>
    ['p50', 'p99'].map((which) => ({
      what: `${which} ms, ${PER_SECOND} events a second: ${name}${name === 'critical' ? ' (after the commit)' : ''}`,
      usher: of.get(name)[which],
      bare: of.get('bare')[which],
      ratio: of.get(name)[which] / of.get('bare')[which],
      more: { usher: of.get(name), bare: of.get('bare') },
    })),
  );
}
