/** How something is: `warn` works, and may not for long or not for all. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What was looked at, what was found, and what to do about it. */
export interface Check {
  readonly status: CheckStatus;
  readonly name: string;
  readonly detail: string;
  readonly advice?: string;
}

/** No check waits longer, in ms. */
export const CHECK_TIMEOUT_MS = 5_000;

export const ok = (name: string, detail: string): Check => ({ status: 'ok', name, detail });
export const warn = (name: string, detail: string, advice: string): Check => ({
  status: 'warn',
  name,
  detail,
  advice,
});
export const fail = (name: string, detail: string, advice: string): Check => ({
  status: 'fail',
  name,
  detail,
  advice,
});

/** Clocks that differ by more confuse people who compare logs; by much more, tokens and webhooks are refused. */
const SKEW_MS = { warn: 1_000, fail: 30_000 };

/** Compares another clock with this machine's, which was read before and after the other. All in ms since 1970. */
export function checkClock(
  name: string,
  theirs: number,
  before: number,
  after: number,
  precisionMs = 1,
): Check {
  // The other clock was read at some instant between the two.
  const skew = Math.max(0, before - theirs - precisionMs, theirs - after - precisionMs);
  const detail =
    skew === 0
      ? 'agrees with the clock of this machine'
      : `differs from this machine by ${(skew / 1_000).toFixed(1)} s`;
  if (skew > SKEW_MS.fail)
    return fail(name, detail, 'Set the clocks by NTP: tokens and signatures of webhooks are refused.');
  return skew > SKEW_MS.warn ? warn(name, detail, 'Set the clocks by NTP.') : ok(name, detail);
}

/** The reason of a failure without the address and the credentials that it was tried with. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return typeof code === 'string' ? code : (message ?? String(error)).replaceAll(/\w+:\/\/\S+/g, '…');
}
