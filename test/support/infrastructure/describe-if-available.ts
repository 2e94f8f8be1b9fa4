import { describe } from '@jest/globals';

/** Describes tests that need something of the machine; skips them, with the reason in the title, where it is missing. */
export function describeIfAvailable(missing: string | undefined, title: string, tests: () => void): void {
  // oxlint-disable-next-line jest/no-disabled-tests
  const skipped = describe.skip;
  const run = missing === undefined ? describe : skipped;
  run(missing === undefined ? title : `${title}: ${missing}`, tests);
}
