/* Which statements took PostgreSQL itself long, by its own log: what the node sees has the waits of its event loop in it. */
import { open } from 'node:fs/promises';

/**
 * Has PostgreSQL log what takes it longer than `ms`, from now on. `stop()` ends that, and resolves to the times in ms by the statement's name.
 * Only for the PostgreSQL that the bench started (its log lies beside its data); another one is left alone, and none are slow then.
 */
export async function logSlowStatements(client, ms) {
  const { rows } = await client.query('SHOW data_directory');
  const file = await open(`${rows[0].data_directory}.log`).catch(() => undefined);
  if (file === undefined) {
    console.log('PostgreSQL is not ours: what takes it long is not known');
    return { stop: async () => new Map() };
  }
  const { size: from } = await file.stat();
  const set = async (value) => {
    await client.query(`ALTER SYSTEM SET log_min_duration_statement = ${value}`);
    await client.query('SELECT pg_reload_conf()');
  };
  await set(ms);
  return {
    async stop() {
      await set(-1);
      const { size } = await file.stat();
      const { buffer } = await file.read({ buffer: Buffer.alloc(size - from), position: from });
      await file.close();
      return timesIn(buffer.toString());
    },
  };
}

/** A name ends with a hash of the text. A statement that is planned at each use has its name in a comment; a COMMIT is just that. */
function timesIn(log) {
  const times = new Map();
  const lines =
    /duration: ([\d.]+) ms {2}(?:\w+ (?:<unnamed>: \/\* )?([\w-]+):[\da-f]{8}|(?:statement|execute <unnamed>): (COMMIT))/g;
  for (const [, ms, name, commit] of log.matchAll(lines)) {
    const of = name ?? commit.toLowerCase();
    times.set(of, [...(times.get(of) ?? []), Number(ms)]);
  }
  return times;
}
