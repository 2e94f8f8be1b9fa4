/** Prints what a failure test measured. */
export const report = (what: string): void => void process.stderr.write(`      ${what}\n`);

/** Returns the time since `start` as text, like "120 ms". */
export const elapsed = (start: number): string => `${Date.now() - start} ms`;
