import { setFlagsFromString } from 'node:v8';

/** V8 marks the heap again when it has grown by this much since, in percent of what was in use then. */
const GROWTH_PERCENT = 100;

/**
 * Lets the heap double before it is marked again. V8 chooses a smaller growth where little of what is allocated survives: at 1,000 critical
 * events a second on one core it marked the heap every 4 to 8 s, most of the core for 0.2 s (docs/decisions/heap-may-double.md). Must be called
 * before the node serves. The limit of V8's heap stays as it is.
 */
export const collectGarbageLessOften = (): void =>
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
