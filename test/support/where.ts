import { describe } from '@jest/globals';

/** Promises that need something of the machine: skipped where it is missing, with the reason in their title. */
export function describeWhere(missing: string | undefined, what: string, promises: () => void): void {
  if (missing === undefined)
    describe(`${what}`, () => {
      promises();
    });
  else
    // oxlint-disable-next-line jest/no-disabled-tests
    describe.skip(`${what}: ${missing}`, () => {
      promises();
    });
}
