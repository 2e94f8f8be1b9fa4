import { setFlagsFromString } from 'node:v8';

/** V8 marks the heap again when it has grown by this much since, in percent of what was in use then. */
const GROWTH_PERCENT = 100;

/**
 * Lets the heap double before it is marked again. V8 decides by how fast objects are freed and made, and for a node that keeps little of what it
 * allocates it comes to a tenth: at 1,000 critical events a second it marked 100 MiB every 8 s, which took most of the core for 0.2 s, and was
 * nine tenths of all that came later than 20 ms (bench/README.md). Must be called before the node serves. The limit of V8's heap stays as it is.
 */
export const collectGarbageLessOften = (): void =>
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
