import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A condition is looked at after 5 ms first, then less and less often, and the less the longer a look takes: looking costs CPU, which the
 * nodes under test need.
 */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
const GROWTH = 1.25;
/** Of the time of the last look. */
const SHORTEST_PAUSE = 3;
const DEADLINE_MS = 20_000;

/** Waits until `condition` returns something other than undefined, null or false, and returns it. Fails with `what` at the deadline. */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = Date.now() + deadlineMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * GROWTH)) {
    const start = Date.now();
    const seen = await condition();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    const lookMs = Date.now() - start;
    await sleep(Math.min(LONGEST_PAUSE_MS, Math.max(pauseMs, SHORTEST_PAUSE * lookMs)));
  }
}
