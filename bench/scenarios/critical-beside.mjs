/* What critical events to connected devices take alone, and beside something else: each is timed from when its POST was due to each device. */
import { ADMIN_KEY, SECRET, startLoad } from '../servers.mjs';
import { median } from '../stats.mjs';
import { DEVICES_PER_USER, viaHttp } from './side-by-side.mjs';

const PER_SECOND = 50;

/** Starts a load with so many devices. Returns it, and `measure`, which publishes for so many seconds. */
export async function startCritical(port, { devices, seconds }) {
  const load = await startLoad({ first: true });
  await load.ask('fleet', { kind: 'usher', port, secret: SECRET, devicesPerUser: DEVICES_PER_USER });
  await load.ask('connect', { to: devices });
  const publisher = viaHttp(port, { connections: 8 });
  const measure = () =>
    load.ask('publishAtRate', { publisher, tier: 'critical', perSecond: PER_SECOND, seconds });
  return { load, measure };
}

/** Returns what so many measurements came to, one after the other. */
export async function measured(rounds, measure) {
  const all = [];
  for (let round = 0; round < rounds; round += 1) all.push(await measure());
  return all;
}

/** Calls Usher as its back office. Throws unless it does what is asked. */
export async function adminCall(port, method, path, body) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
      'usher-reason': 'a bench',
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** Rows that compare both. `what`: beside what, as `a campaign`. */
export function criticalRows(what, { alone, beside }) {
  const faults = (rounds) =>
    rounds.reduce((sum, { missing, failed, lost }) => sum + missing + failed + lost, 0);
  const of = (rounds, which) => median(rounds.map((round) => round.latency[which])) / 1_000;
  return [
    ...['p50', 'p99'].map((which) => ({
      what: `${which} ms of critical events beside ${what}; bare: without one`,
      usher: of(beside, which),
      bare: of(alone, which),
      ratio: of(beside, which) / of(alone, which),
      more: { usher: { faults: faults(beside) }, bare: { faults: faults(alone) } },
    })),
    { what: `critical events that were lost, beside ${what}`, usher: faults(beside) },
  ];
}
