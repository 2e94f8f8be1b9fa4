/*
 * What a push costs: from the POST of a critical event to the provider's answer and its row in PostgreSQL, beside the providers' bare
 * libraries, which only send. The providers are fake ones in a process of their own, over real HTTP/2 and HTTPS.
 */
import { ADMIN_KEY, startBarePush, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { inTurn, spending } from './side-by-side.mjs';
import { sleepersOf, withFakeProviders, WORDS } from './sleeping-devices.mjs';

const NO_LIMIT = '100000000';
const LIBRARIES = { apns: 'apns2', fcm: 'firebase-admin', webpush: 'web-push' };

export const push = (context) => withFakeProviders(context, costs);

async function costs(context) {
  const { options, place, providers, sleepingDevices, postmaster } = context;
  const limits = { FCM_PER_MINUTE: NO_LIMIT, APNS_PER_MINUTE: NO_LIMIT, WEBPUSH_PER_MINUTE: NO_LIMIT };
  const usher = await startUsher({ ...context, settings: { ...place.settings, ...limits } });
  const [load, bare] = [await startLoad(), await startBarePush()];
  await bare.ask('start', { place });
  let round = 0;
  const sleepers = (provider, count) => {
    const prefix = `push-${process.pid}-${(round += 1)}-`;
    return { prefix, sleepers: sleepersOf({ provider, prefix, count, origin: place.origin }) };
  };
  const bareSends = (way, provider) => async (count) => {
    const { sleepers: targets } = sleepers(provider, count);
    await providers.ask('forget');
    const spent = await spending({ server: bare, postmaster }, async () => {
      const { failed } = await bare.ask('send', { way, targets, data: WORDS });
      return { failed, ...(await providers.ask('wait', { count: failed > 0 ? 0 : count })) };
    });
    return perPush(spent, count, spent.firstAt);
  };
  const usherSends = (provider) => async (count) => {
    const { prefix, sleepers: all } = sleepers(provider, count);
    await sleepingDevices.register(provider, all);
    await providers.ask('forget');
    const spent = await spending({ server: usher, postmaster }, async () => {
      const of = { port: usher.port, key: ADMIN_KEY, prefix, count, tier: 'critical', data: WORDS };
      const { startedAt } = await load.ask('publishAll', of);
      const came = await providers.ask('wait', { count });
      await sleepingDevices.quiet();
      return { ...came, startedAt, failed: 0 };
    });
    return perPush(spent, count, spent.startedAt);
  };
  const variants = Object.keys(LIBRARIES).flatMap((provider) => [
    { name: `bare ${provider}`, act: bareSends(provider, provider) },
    { name: provider, act: usherSends(provider) },
  ]);
  variants.push({ name: 'bare fcm each', act: bareSends('fcm each', 'fcm') });
  const results = await inTurn(variants, options.rounds, ({ act }, isWarmUp) =>
    act(isWarmUp ? Math.ceil(options.pushes / 4) : options.pushes),
  );
  for (const one of [load, bare, usher]) await one.stop();
  const of = new Map([...results].map(([{ name }, rounds]) => [name, summary(rounds)]));
  return Object.keys(LIBRARIES).flatMap((provider) => rowsOf(provider, of));
}

function perPush({ cpu, postgres, busy, came, lastAt, bytesEach, twice, refused, failed }, count, startedAt) {
  return {
    cpu: cpu / count,
    postgres: postgres / count,
    busy,
    perSecond: (count * 1e6) / (lastAt - startedAt),
    bytesEach,
    faults: count - came + twice + refused + failed,
  };
}

const summary = (rounds) => ({
  ...Object.fromEntries(
    ['cpu', 'postgres', 'busy', 'perSecond', 'bytesEach'].map((name) => [
      name,
      median(rounds.map((one) => one[name])),
    ]),
  ),
  faults: rounds.reduce((sum, { faults }) => sum + faults, 0),
});

function rowsOf(provider, of) {
  const usher = of.get(provider);
  const row = (what, which, bareName, more) => {
    const bare = of.get(bareName);
    const [ours, theirs] = [usher[which], bare[which]];
    return {
      what,
      usher: ours,
      bare: theirs,
      ratio: ours / theirs,
      ...more(ours, theirs),
      more: { postgres: which === 'cpu' ? usher.postgres : undefined, usher, bare },
    };
  };
  const library = LIBRARIES[provider];
  const cost = (ours, theirs) => ({ bar: '≤ 2', holds: ours <= 2 * theirs });
  const rate = (ours) => ({ bar: '≥ 1,000', holds: ours >= 1_000 });
  const rows = [
    row(
      `pushes a second by ${provider}, from the first POST; bare: ${library}`,
      'perSecond',
      `bare ${provider}`,
      rate,
    ),
    row(
      `CPU µs a push by ${provider}, the event included; bare: ${library}`,
      'cpu',
      `bare ${provider}`,
      cost,
    ),
  ];
  if (provider === 'fcm')
    rows.push(
      row(
        `CPU µs a push by fcm, the event included; bare: ${library}, sendEach`,
        'cpu',
        'bare fcm each',
        cost,
      ),
    );
  return rows;
}
