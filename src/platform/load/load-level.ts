/** How strained a node is, 1 (not at all) to 4: by how much its devices should slow down. */
export type LoadLevel = 1 | 2 | 4;

export interface LoadSignals {
  /** How late the event loop ran at worst since the last look, in ms. */
  readonly loopLagMs: number;
  /** Statements that wait for a connection to PostgreSQL. */
  readonly waitingForPostgres: number;
  /** Devices whose events wait for a write turn. */
  readonly waitingToWrite: number;
}

/** Where a sign begins to mean strain, and where it means much. Measured on two cores: an idle loop is late by 1–3 ms. */
const BEGINS: LoadSignals = { loopLagMs: 100, waitingForPostgres: 50, waitingToWrite: 2_000 };
const MUCH: LoadSignals = { loopLagMs: 500, waitingForPostgres: 500, waitingToWrite: 20_000 };

const reaches = (signs: LoadSignals, limits: LoadSignals): boolean =>
  signs.loopLagMs >= limits.loopLagMs ||
  signs.waitingForPostgres >= limits.waitingForPostgres ||
  signs.waitingToWrite >= limits.waitingToWrite;

/** Goes up at once; comes down one step a look, so that it does not swing. */
export function nextLoadLevel(before: LoadLevel, signs: LoadSignals): LoadLevel {
  const now: LoadLevel = reaches(signs, MUCH) ? 4 : reaches(signs, BEGINS) ? 2 : 1;
  return now >= before || before === 1 ? now : ((before / 2) as LoadLevel);
}
