/*
 * The two databases of one run. What the environment names (DATABASE_URL, REDIS_URL) is used; for the rest we start our own.
 * They start side by side and stop in reverse order, the one that holds the truth last.
 */
import { join } from 'node:path';
import { startPostgres } from './postgres.mjs';
import { startRedis, startValkey } from './valkey.mjs';

/**
 * `folder` is where the data goes; `realRedis` prefers a `redis-server` of this machine; `postgres`: its further settings. Gives the environment that names
 * both, `own` (which of them are ours: `postgres`, `redis`, null when given) and `stop()`.
 */
export async function startDatabases({
  folder,
  durable = true,
  realRedis = false,
  postgres: more = [],
  environment = process.env,
}) {
  const { DATABASE_URL, REDIS_URL } = environment;
  const [postgres, redis] = await bothOrNeither([
    DATABASE_URL ? null : startPostgres({ dataDir: join(folder(), 'postgres'), durable, more }),
    REDIS_URL ? null : realRedis ? startRedis() : startValkey(),
  ]);
  return {
    own: { postgres, redis },
    environment: { DATABASE_URL: DATABASE_URL || postgres.url, REDIS_URL: REDIS_URL || redis.url },
    async stop() {
      await redis?.stop();
      await postgres?.stop();
    },
  };
}

async function bothOrNeither(starts) {
  const outcomes = await Promise.allSettled(starts);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined) return outcomes.map((outcome) => outcome.value);
  for (const { value } of outcomes) await value?.stop();
  throw failure.reason;
}
