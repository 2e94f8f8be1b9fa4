/*
 * Critical events and heartbeats of connected devices, alone and while a nightly file comes; and how much memory the node has for a file of 100,000 lines and
 * for one of a million. The server, PostgreSQL and the load share both cores, as a small machine does. Run only when named.
 */
import { ADMIN_KEY, SECRET, startLoad, startUsher } from '../servers.mjs';
import { median, rss } from '../stats.mjs';
import { criticalRows, measured, startCritical } from './critical-beside.mjs';
import { DEVICES_PER_USER } from './side-by-side.mjs';

const BEATS_PER_SECOND = 500;
/** Lines of one file: files follow each other while something is measured. */
const LINES = 50_000;
const SIZES = [100_000, 1_000_000];
const LOOK_EVERY_MS = 50;

export async function nightlyBeside(context) {
  const { options, pinPostgres } = context;
  pinPostgres('0,1');
  const server = await startUsher({ ...context, cores: '0,1' });
  const loads = [];
  try {
    const critical = await startCritical(server.port, options);
    const beats = await startLoad({ cores: '0,1' });
    const files = await startLoad({ cores: '0,1' });
    loads.push(critical.load, beats, files);
    await beats.ask('fleet', {
      kind: 'usher',
      port: server.port,
      secret: SECRET,
      devicesPerUser: DEVICES_PER_USER,
      prefix: 'b',
    });
    await beats.ask('connect', { to: options.devices });
    const send = sender(server.port, files);
    const both = async () => {
      const of = { seconds: options.seconds, perSecond: BEATS_PER_SECOND };
      const [events, heartbeats] = await Promise.all([critical.measure(), beats.ask('heartbeatsAtRate', of)]);
      return { events, heartbeats };
    };
    await both(); // warms up
    await send(3_000);
    const alone = await measured(options.rounds, both);
    const stop = sendWithoutEnd(send);
    const beside = await measured(options.rounds, both);
    const { rows, seconds } = await stop();
    return [
      ...criticalRows('a nightly file', { alone: alone.map(eventsOf), beside: beside.map(eventsOf) }),
      ...heartbeatRows(alone, beside),
      { what: 'nightly rows a second meanwhile', usher: rows / seconds },
      ...(await memoryRows(server, send, options)),
    ];
  } finally {
    for (const load of loads) await load.stop();
    await server.stop();
    pinPostgres('1');
  }
}

const eventsOf = ({ events }) => events;

function heartbeatRows(alone, beside) {
  return ['p50', 'p99'].map((which) => {
    const of = (rounds) => median(rounds.map(({ heartbeats }) => heartbeats.latency[which])) / 1_000;
    return {
      what: `${which} ms of heartbeats beside a nightly file, ${BEATS_PER_SECOND} a second; bare: without one`,
      usher: of(beside),
      bare: of(alone),
      ratio: of(beside) / of(alone),
    };
  });
}

/** Sends a file of so many lines, each of another user. */
function sender(port, load) {
  let files = 0;
  return (rows) => {
    files += 1;
    return load.ask('sendRows', { port, key: ADMIN_KEY, prefix: `beside${files}-`, rows });
  };
}

/** Sends one file after the other; what it returns stops after the present one, and tells how much came. */
function sendWithoutEnd(send) {
  const came = { rows: 0, seconds: 0 };
  let over = false;
  const sending = (async () => {
    while (!over) {
      const { rows, seconds } = await send(LINES);
      came.rows += rows;
      came.seconds += seconds;
    }
  })();
  return async () => {
    over = true;
    await sending;
    return came;
  };
}

/** Of files of the sizes up to `--rows`. */
async function memoryRows(server, send, { rows }) {
  const peaks = [];
  for (const size of SIZES.filter((one) => one <= rows)) {
    let peak = rss(server.pid);
    const watch = setInterval(() => (peak = Math.max(peak, rss(server.pid))), LOOK_EVERY_MS);
    await send(size).finally(() => clearInterval(watch));
    peaks.push(peak / 1_024);
  }
  return peaks.map((peak, n) => ({
    what: `MiB resident at most while ${SIZES[n].toLocaleString('en')} rows came; bare: while ${SIZES[0].toLocaleString('en')} did`,
    usher: peak,
    bare: peaks[0],
    ratio: peak / peaks[0],
  }));
}
