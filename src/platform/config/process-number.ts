import process from 'node:process';

/** Set by the primary for each process that it starts. Not a setting. */
export const PROCESS_NUMBER_VARIABLE = 'USHER_PROCESS';

/** Returns which of the processes of PROCESSES this one is, from 1; undefined in the primary, and in a process that serves alone. */
export function readProcessNumber(): number | undefined {
  const number = Number(process.env[PROCESS_NUMBER_VARIABLE]);
  return process.send !== undefined && number > 0 ? number : undefined;
}
