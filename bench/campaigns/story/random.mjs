/* Chance that is the same for the same seed. */
import { createHash } from 'node:crypto';

/** Returns a number from 0 up to but not including 1, for this seed and what it is for. */
export const chanceOf = (seed, what) =>
  createHash('sha256').update(`${seed} ${what}`).digest().readUInt32BE() / 2 ** 32;
