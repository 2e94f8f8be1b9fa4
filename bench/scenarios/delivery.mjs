/* What the server's CPU does for one delivery to one device, with everything on. */
import { median } from '../stats.mjs';
import { inTurn, spending, startPair, viaHttp, viaSocket } from './side-by-side.mjs';

const BATCH = 100;
const WINDOW = 400;
const BEATS_UNDER_WAY = 500;

export async function delivery(context) {
  const { options, postmaster } = context;
  const pair = await startPair(context);
  const results = await inTurn(
    deliveryVariants(pair),
    options.rounds,
    ({ server, load, ask: [ask, of] }, isWarmUp) =>
      spending({ server, postmaster }, () =>
        load.ask(ask, {
          ...of,
          payload: options.payload,
          seconds: isWarmUp ? 2 * options.seconds : options.seconds,
        }),
      ),
  );
  await pair.stop();
  return summarize(results);
}

/** What is measured of the pair, in turn: which server, and what its load is asked. */
export function deliveryVariants({ usher, bare, usherLoad, bareLoad }) {
  const publish = (publisher, more) => [
    'publish',
    { publisher, window: WINDOW, batch: BATCH, tier: 'routine', ...more },
  ];
  return [
    { name: 'bare, a message an event', server: bare, load: bareLoad, ask: publish(viaSocket(bare.port)) },
    { name: 'routine', server: usher, load: usherLoad, ask: publish(viaHttp(usher.port)) },
    {
      name: `bare, a message ${BATCH} events`,
      server: bare,
      load: bareLoad,
      ask: publish(viaSocket(bare.port, { way: 'batch' })),
    },
    { name: 'heartbeats', server: usher, load: usherLoad, ask: ['heartbeats', { window: BEATS_UNDER_WAY }] },
    {
      name: 'bare, heartbeats relayed',
      server: bare,
      load: bareLoad,
      ask: ['heartbeats', { window: BEATS_UNDER_WAY }],
    },
    {
      name: 'critical',
      server: usher,
      load: usherLoad,
      ask: publish(viaHttp(usher.port), { tier: 'critical' }),
    },
    {
      name: 'bare, acknowledged',
      server: bare,
      load: bareLoad,
      ask: publish(viaSocket(bare.port, { way: 'acked' })),
    },
  ];
}

function summarize(results) {
  const of = new Map();
  for (const [{ name }, rounds] of results) {
    const mid = (read) => median(rounds.map(read));
    of.set(name, {
      cpu: mid(({ cpu, deliveries }) => cpu / deliveries),
      postgres: mid(({ postgres, deliveries }) => postgres / deliveries),
      perSecond: mid(({ deliveries, seconds }) => deliveries / seconds),
      frameBytes: mid(({ frameBytes }) => frameBytes),
      busy: mid(({ busy }) => busy),
      superseded: mid(({ superseded = 0, deliveries }) => superseded / (superseded + deliveries)),
      faults: rounds.reduce(
        (sum, { missing, failed = 0, refused = 0, lost }) => sum + missing + failed + refused + lost,
        0,
      ),
    });
  }
  const barOf = (variant, ratio) => {
    const [bar, most] = variant === 'critical' ? ['≤ 1.0, receipts included', 1] : ['≤ 0.8, goal 0.6', 0.8];
    return { bar, holds: ratio <= most };
  };
  const row = (what, usher, bare) => {
    const [ours, theirs] = [of.get(usher), of.get(bare)];
    return {
      what: `CPU µs a delivery: ${what}`,
      usher: ours.cpu,
      bare: theirs.cpu,
      ratio: ours.cpu / theirs.cpu,
      ...barOf(usher, ours.cpu / theirs.cpu),
      more: { postgres: ours.postgres, usher: ours, bare: theirs },
    };
  };
  return [
    row('routine events by HTTP, beside a message an event', 'routine', 'bare, a message an event'),
    row(
      `routine events by HTTP, beside a message ${BATCH} events`,
      'routine',
      `bare, a message ${BATCH} events`,
    ),
    row('heartbeats, stored and told, beside a message an event', 'heartbeats', 'bare, a message an event'),
    row(
      'heartbeats, stored and told, beside heartbeats only relayed',
      'heartbeats',
      'bare, heartbeats relayed',
    ),
    row(
      'critical, stored and acknowledged, beside a message an event',
      'critical',
      'bare, a message an event',
    ),
    row('critical, stored and acknowledged, beside acknowledged ones', 'critical', 'bare, acknowledged'),
  ];
}
