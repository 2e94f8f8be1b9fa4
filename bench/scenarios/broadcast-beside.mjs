/*
 * Critical events to connected devices, without broadcasts and beside one each second to all `--devices`. Every device acknowledges each broadcast.
 * Run only when named.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { newInstallation } from '../installation.mjs';
import { startUsher } from '../servers.mjs';
import { adminCall, criticalRows, measured, startCritical } from './critical-beside.mjs';

const EVERY_MS = 1_000;
/** Counts are some seconds old. */
const COUNTED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;

export async function broadcastBeside(context) {
  const { options } = context;
  const databaseUrl = await newInstallation(context.environment.DATABASE_URL, 'broadcast_beside');
  const environment = { ...context.environment, DATABASE_URL: databaseUrl };
  const usher = await startUsher({ ...context, environment });
  let load;
  try {
    const critical = await startCritical(usher.port, options);
    ({ load } = critical);
    await critical.measure(); // warms up
    const alone = await measured(options.rounds, critical.measure);
    const published = [];
    const besideBroadcasts = async () => {
      const [outcome] = await Promise.all([
        critical.measure(),
        publishSteadily(usher.port, options, published),
      ]);
      return outcome;
    };
    const beside = await measured(options.rounds, besideBroadcasts);
    const received = await countReceived(usher.port, published, options.devices);
    return [
      ...criticalRows(`a broadcast each second to ${options.devices.toLocaleString('en')} devices`, {
        alone,
        beside,
      }),
      {
        what: `broadcasts that devices acknowledged; bare: how many there were`,
        usher: received,
        bare: published.length * options.devices,
      },
    ];
  } finally {
    await load?.stop();
    await usher.stop();
  }
}

/** Publishes for so long. Each broadcast takes the place of the one before. */
async function publishSteadily(port, { seconds, payload }, published) {
  const data = { text: 'x'.repeat(payload) };
  const body = { type: 'notice.bench', key: 'bench', data, receipts: 'all' };
  for (let sent = 0; sent < seconds; sent += 1) {
    published.push(await adminCall(port, 'POST', '/v1/broadcasts', body));
    await pause(EVERY_MS);
  }
}

/** Returns how many acknowledgements were counted when nobody is missing, or nothing more comes. */
async function countReceived(port, published, devices) {
  let received = 0;
  for (const deadline = Date.now() + COUNTED_WITHIN_MS; Date.now() < deadline; await pause(LOOK_EVERY_MS)) {
    const all = await Promise.all(published.map(({ id }) => adminCall(port, 'GET', `/v1/broadcasts/${id}`)));
    received = all.reduce((sum, { counts }) => sum + counts.sampled.received, 0);
    if (received >= published.length * devices) break;
  }
  return received;
}
