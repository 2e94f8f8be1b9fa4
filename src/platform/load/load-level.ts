/** A node's load: 1 (normal), 2 or 4. Devices are asked to send heartbeats that many times less often. */
export type LoadLevel = 1 | 2 | 4;

/** What the load level is computed from. */
export interface LoadSignals {
  /** The worst delay of the event loop since the last sample, in ms. */
  readonly loopLagMs: number;
  /** Statements that wait for a connection to PostgreSQL. */
  readonly waitingForPostgres: number;
  /** Devices with events that have not been written to their sockets yet. */
  readonly waitingToWrite: number;
}

/** One signal at its limit raises the level to 2 or 4. Measured on two cores: an idle event loop is 1–3 ms late. */
const LIMITS_OF_2: LoadSignals = { loopLagMs: 100, waitingForPostgres: 50, waitingToWrite: 2_000 };
const LIMITS_OF_4: LoadSignals = { loopLagMs: 500, waitingForPostgres: 500, waitingToWrite: 20_000 };

const reachesAny = (signals: LoadSignals, limits: LoadSignals): boolean =>
  signals.loopLagMs >= limits.loopLagMs ||
  signals.waitingForPostgres >= limits.waitingForPostgres ||
  signals.waitingToWrite >= limits.waitingToWrite;

/** Returns the level after one more sample. It rises at once and falls one step a sample, so that it does not oscillate. */
export function nextLoadLevel(before: LoadLevel, signals: LoadSignals): LoadLevel {
  const now: LoadLevel = reachesAny(signals, LIMITS_OF_4) ? 4 : reachesAny(signals, LIMITS_OF_2) ? 2 : 1;
  return now >= before || before === 1 ? now : ((before / 2) as LoadLevel);
}
