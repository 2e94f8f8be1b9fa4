/*
 * An important push to everybody at the pace that the provider's budget allows, and beside it critical ones to others: from the POST that
 * publishes one to the provider that gets it. And whether the forecast was right.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Histogram } from '../load/histogram.mjs';
import { ADMIN_KEY, startLoad, startUsher } from '../servers.mjs';
import { sleepersOf, withFakeProviders, WORDS } from './sleeping-devices.mjs';

const VENDOR = 'fcm';
/**
 * Google allows ten times as much, which is more than one core can send: then the core would pace the campaign, not the budget.
 */
const PER_SECOND = 1_000;
/** All is published before the first is pushed: then the forecast knows of all of it. */
const ACK_TIMEOUT_SECONDS = '30';
const EVERY_MS = 200;
/** Providers answer in 20 to 200 ms. */
const ANSWER_AFTER_MS = 50;
const LOOK_EVERY_MS = 100;
/** Critical ones are published during so much of the time that the campaign should take. */
const SHARE = 0.8;
const BAR_MS = 1_000;
/** How far pace and forecast may be off. */
const TOLERANCE = 0.1;

export const campaign = (context) => withFakeProviders(context, measured);

async function measured(context) {
  const { place, providers, sleepingDevices, options } = context;
  const [count, perSecond] = [options.campaign, PER_SECOND];
  const settings = { ...place.settings, FCM_PER_MINUTE: String(60 * perSecond), ACK_TIMEOUT_SECONDS };
  const usher = await startUsher({ ...context, settings });
  const [load, probe] = [await startLoad(), await startLoad({ first: true })];
  const seconds = count / perSecond;
  const prefix = `campaign-${process.pid}-`;
  const criticals = Math.max(20, Math.floor((SHARE * seconds * 1_000) / EVERY_MS));
  const sleepers = (name, number) =>
    sleepersOf({ provider: VENDOR, prefix: `${prefix}${name}`, count: number, origin: place.origin });
  const urgent = sleepers('urgent-', criticals);
  await sleepingDevices.register(VENDOR, [...sleepers('', count), ...urgent]);
  await providers.ask('forget', { afterMs: ANSWER_AFTER_MS });
  const of = { port: usher.port, key: ADMIN_KEY, data: WORDS };
  const published = load.ask('publishAll', { ...of, prefix, count, tier: 'important' });
  while ((await providers.ask('came')) === 0) await pause(LOOK_EVERY_MS);
  const users = urgent.map(({ userId }) => userId);
  const steadily = probe.ask('publishSteadily', { ...of, users, everyMs: EVERY_MS });
  await published;
  await sleepingDevices.queued();
  const forecast = await forecastOf(usher);
  const due = await steadily;
  const all = await providers.ask('wait', { count: count + criticals });
  const times = await providers.ask('times', { addresses: urgent.map(({ seenAs }) => seenAs) });
  await sleepingDevices.quiet();
  for (const one of [load, probe, usher]) await one.stop();
  return rowsOf({ count, perSecond, all, forecast, due, times, expected: count + criticals });
}

async function forecastOf({ port }) {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const askedAt = Date.now();
  const response = await fetch(`http://127.0.0.1:${port}/v1/push/forecast`, { headers });
  const { vendors } = await response.json();
  const { seconds, waiting } = vendors.find(({ vendor }) => vendor === VENDOR);
  return { seconds, waiting: waiting.important, askedAt };
}

/** When in the campaign the slowest were published, for whoever looks for the cause. */
const slowest = (due, times) =>
  due
    .map((at, n) => ({ second: Math.round((at - due[0]) / 1e6), ms: Math.round((times[n] - at) / 1_000) }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, 10);

function rowsOf({ count, perSecond, all, forecast, due, times, expected }) {
  const latency = new Histogram();
  times.forEach((at, n) => at !== null && latency.add(at - due[n]));
  const { p50, p99, max } = latency.summary();
  const faults = expected - all.came + all.twice + all.refused;
  const of = `${count.toLocaleString('en')} pushes at ${perSecond.toLocaleString('en')} a second`;
  const urgent = (name, value, more) => ({
    what: `ms from a critical event's POST to the provider beside ${of}: ${name} of ${latency.total}`,
    usher: value / 1_000,
    ...more,
    more: { usher: { faults, slowest: slowest(due, times) } },
  });
  const bar = (value) => ({ bar: `< ${BAR_MS}`, holds: value < BAR_MS * 1_000 });
  const pace = (0.8 * all.came * 1e6) / (all.nineTenthsAt - all.tenthAt);
  const took = (all.lastWall - forecast.askedAt) / 1_000;
  const near = (real, said) => ({
    ratio: real / said,
    bar: '0.9 to 1.1',
    holds: Math.abs(real / said - 1) <= TOLERANCE,
  });
  return [
    urgent('p50', p50),
    urgent('p99', p99, bar(p99)),
    urgent('the worst', max, bar(max)),
    {
      what: `pushes a second of ${of}; bare: what is set`,
      usher: pace,
      bare: perSecond,
      ...near(pace, perSecond),
    },
    {
      what: `seconds until they were through; bare: the forecast when ${forecast.waiting.toLocaleString('en')} waited`,
      usher: took,
      bare: forecast.seconds,
      ...near(took, forecast.seconds),
    },
  ];
}
