import { describe } from '@jest/globals';

/** Promises that need something of the machine: skipped where it is missing, with the reason in their title. */
export function describeIfAvailable(missing: string | undefined, what: string, promises: () => void): void {
  // oxlint-disable-next-line jest/no-disabled-tests
  const skipped = describe.skip;
  const run = missing === undefined ? describe : skipped;
  run(missing === undefined ? what : `${what}: ${missing}`, promises);
}
