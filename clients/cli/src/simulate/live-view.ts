import type { Output } from '../output/output.js';
import { table } from '../output/table.js';
import type { Terminal } from '../terminal.js';
import { MEASURED, type Verdict } from './ledger.js';
import type { Progress } from './evening.js';

const EVERY_MS = { terminal: 500, pipe: 10_000 };

/** Shows how the evening goes: in place on a terminal, else with a line now and then. It writes to the errors: the verdict is the result. */
export class LiveView {
  private timer: NodeJS.Timeout | undefined;
  private shown = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly output: Output,
    private readonly progress: () => Progress,
  ) {}

  start(): void {
    this.timer = setInterval(
      () => this.draw(),
      this.terminal.stderr.isTTY ? EVERY_MS.terminal : EVERY_MS.pipe,
    );
  }

  stop(): void {
    clearInterval(this.timer);
    this.erase();
  }

  private draw(): void {
    const progress = this.progress();
    if (!this.terminal.stderr.isTTY) return this.output.note(oneLine(progress));
    this.erase();
    const lines = [oneLine(progress), ...latencyLines(progress.verdict)];
    this.terminal.stderr.write(`${lines.join('\n')}\n`);
    this.shown = lines.length;
  }

  private erase(): void {
    if (this.shown > 0) this.terminal.stderr.write(`\u001b[${this.shown}F\u001b[J`);
    this.shown = 0;
  }
}

const oneLine = ({ phase, elapsedSeconds, live, devices, verdict }: Progress): string =>
  `${phase} ${elapsedSeconds} s  ${live} of ${devices} devices connected  ${verdict.published + verdict.routinePublished} published  ${
    verdict.delivered
  } delivered  ${verdict.lost} on their way  ${verdict.misdelivered} misdelivered`;

/** A line for each tier of which something was measured: p50, p99 and the longest, in ms. */
export function latencyLines({ latencies }: Verdict): string[] {
  const rows = MEASURED.filter((name) => latencies[name].count > 0).map((name) => {
    const { count, p50, p99, max } = latencies[name];
    return [
      name,
      `p50 ${p50.toFixed(1)} ms`,
      `p99 ${p99.toFixed(1)} ms`,
      `max ${max.toFixed(1)} ms`,
      `of ${count}`,
    ];
  });
  return table(rows);
}
