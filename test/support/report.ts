/** A line on the terminal: what a failure test measured. It judges nothing. */
export const report = (what: string): void => void process.stderr.write(`      ${what}\n`);

/** How long it took since then, as part of a report. */
export const elapsed = (start: number): string => `${Date.now() - start} ms`;
