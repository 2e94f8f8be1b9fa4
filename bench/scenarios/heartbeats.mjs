/* Heartbeats a second: device → PostgreSQL → the user's other devices; server, PostgreSQL and load share the two cores. */
import { SECRET, startLoad, startUsher } from '../servers.mjs';
import { median } from '../stats.mjs';
import { DEVICES_PER_USER, spending } from './side-by-side.mjs';

const BAR = 5_000;
const UNDER_WAY = 800;

export async function heartbeats(context) {
  const { options, postmaster, pinPostgres } = context;
  pinPostgres('0,1');
  const server = await startUsher({ ...context, cores: '0,1' });
  const load = await startLoad({ cores: '0,1' });
  await load.ask('fleet', {
    kind: 'usher',
    port: server.port,
    secret: SECRET,
    devicesPerUser: DEVICES_PER_USER,
  });
  await load.ask('connect', { to: options.devices });
  const rounds = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    const result = await spending({ server, postmaster }, () =>
      load.ask('heartbeats', { window: UNDER_WAY, seconds: round === 0 ? 3 : 2 * options.seconds }),
    );
    if (round > 0) rounds.push(result);
  }
  await load.stop();
  await server.stop();
  pinPostgres('1');
  const mid = (read) => median(rounds.map(read));
  const stored = mid((one) => one.heartbeats / one.active);
  const told = mid((one) => one.deliveries / (DEVICES_PER_USER - 1) / one.active);
  return [
    {
      what: 'heartbeats a second, stored and told to both other devices',
      usher: told,
      bar: `≥ ${BAR}`,
      holds: told >= BAR,
      more: {
        p99: mid((one) => one.latency.p99) / 1_000,
        cpuEach: mid((one) => one.cpu / one.heartbeats),
        postgresEach: mid((one) => one.postgres / one.heartbeats),
        usher: {
          superseded: mid((one) => one.superseded / (one.superseded + one.deliveries)),
          faults: rounds.reduce((sum, { refused, lost }) => sum + refused + lost, 0),
        },
      },
    },
    { what: 'heartbeats a second, stored and answered', usher: stored },
  ];
}
