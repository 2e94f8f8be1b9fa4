const EVERY_MS = 10;
const DEADLINE_MS = 10_000;

/** Waits until `condition` returns something other than undefined, null or false, and returns it. Fails with `what` at the deadline. */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const seen = await condition();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
