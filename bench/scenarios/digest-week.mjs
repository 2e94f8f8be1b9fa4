/*
 * `--days` of digests for `--users` in every zone of the IANA data, with two changes of daylight saving; in each hour a worker process is
 * killed at a statement of its digests (digests/week.mjs). Throws unless each local date of each user has exactly one. Run only when named.
 */
import { newInstallation } from '../installation.mjs';
import { simulateWeek } from '../digests/week.mjs';

export async function digestWeek({ environment, options }) {
  const { users, days, seed } = options;
  const week = await simulateWeek({
    databaseUrl: await newInstallation(environment.DATABASE_URL, 'week'),
    environment: { REDIS_URL: environment.REDIS_URL },
    users,
    seed,
    steps: Array.from({ length: 24 * days }, (_, n) => n + 1),
    onStep: (hour) => hour % 24 === 0 && process.stdout.write(`${hour / 24} `),
  });
  const { expected, made, missing, doubled, unexpected, lost, empty, kills } = week;
  if (expected !== made || missing + doubled + unexpected + lost + empty !== 0)
    throw new Error(`not exactly once: ${JSON.stringify(week)}`);
  return [
    { what: `local dates of ${users} users in ${days} days (seed ${seed})`, usher: expected },
    { what: 'digests made', usher: made },
    { what: 'local dates without one', usher: missing },
    { what: 'digests too many', usher: doubled },
    ...Object.entries(kills)
      .toSorted()
      .map(([statement, count]) => ({ what: `workers killed ${statement}`, usher: count })),
  ];
}
