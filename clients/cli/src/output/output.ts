import { styleText } from 'node:util';
import type { Terminal } from '../terminal.js';

/** A colour that means something. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet';
const STYLES = { good: 'green', bad: 'red', warning: 'yellow', quiet: 'dim' } as const;

/** Where a command says what it found: as JSON for programs, or as lines for people. */
export class Output {
  constructor(
    private readonly terminal: Terminal,
    readonly isJson: boolean,
  ) {}

  /** A result. With --json it is `data` on one line, and nothing else; else the lines. */
  result(data: unknown, lines: () => readonly string[]): void {
    if (this.isJson) this.write(JSON.stringify(data));
    else for (const line of lines()) this.write(line);
  }

  /** What is not a result: progress, and what to know. It never gets between the results of a pipe. */
  note(text: string): void {
    this.terminal.stderr.write(`${text}\n`);
  }

  /** Colours the text, on a terminal that wants colours. */
  paint(tone: Tone, text: string): string {
    const wanted = this.terminal.stdout.isTTY === true && !this.terminal.env['NO_COLOR'];
    return wanted ? styleText(STYLES[tone], text, { validateStream: false }) : text;
  }

  private write(line: string): void {
    this.terminal.stdout.write(`${line}\n`);
  }
}
