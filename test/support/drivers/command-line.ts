import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { run } from '../../../clients/cli/src/run.js';
import { eventually } from '../eventually.js';
import { ADMIN_KEY, JWT_SECRET, startUsher, STRIPE_SECRET, type TestUsher } from './usher.js';

/** What a command printed, and how it ended. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that goes on until it is interrupted. */
export interface Running {
  readonly finished: Promise<Finished>;
  /** Waits until it has printed this text, to its output or its errors. */
  printed(text: string): Promise<unknown>;
  /** Ctrl-C. */
  interrupt(): Promise<Finished>;
}

export interface Typed {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** A person's command line: it knows the URL and the secrets of a server from its environment, and has a home directory of its own. */
export class CommandLine {
  readonly home = mkdtempSync(join(tmpdir(), 'usher-cli-'));
  private readonly running = new Set<AbortController>();

  constructor(private readonly url: string) {}

  /** The environment: as `npm start` writes it. */
  get env(): Record<string, string> {
    return {
      USHER_URL: this.url,
      USHER_SERVICE_KEY: ADMIN_KEY,
      USHER_JWT_SECRET: JWT_SECRET,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    };
  }

  /** Runs a command to its end. */
  usher(args: readonly string[], typed: Typed = {}): Promise<Finished> {
    return this.start(args, typed).finished;
  }

  /** Runs a command with --json. Returns what it printed, parsed. */
  async json(args: readonly string[], typed: Typed = {}): Promise<Record<string, unknown>> {
    const { exitCode, stdout, stderr } = await this.usher(['--json', ...args], typed);
    if (exitCode !== 0) throw new Error(`usher ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  start(args: readonly string[], { env, input = '', cwd }: Typed = {}): Running {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = { stdout: '', stderr: '' };
    stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    const interruption = new AbortController();
    this.running.add(interruption);
    const finished = run(args, {
      stdin: Readable.from([input]),
      stdout,
      stderr,
      env: env ?? this.env,
      cwd: cwd ?? this.home,
      home: this.home,
      signal: interruption.signal,
    }).then((exitCode) => {
      this.running.delete(interruption);
      return { exitCode, ...said };
    });
    return {
      finished,
      printed: (text) =>
        eventually(
          `it printed ${text}`,
          () => said.stdout.includes(text) || said.stderr.includes(text),
        ).catch((error: Error) => {
          throw new Error(`${error.message}; it printed: ${said.stdout}\n${said.stderr}`);
        }),
      interrupt: () => {
        interruption.abort();
        return finished;
      },
    };
  }

  close(): void {
    for (const interruption of this.running) interruption.abort();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Starts a node, and the command line of a person who may do everything there. */
export async function startWithCommandLine(
  environment: Record<string, string> = {},
): Promise<{ usher: TestUsher; line: CommandLine; stop(): Promise<void> }> {
  const usher = await startUsher(environment);
  const line = new CommandLine(usher.url);
  const stop = async () => {
    line.close();
    await usher.stop();
  };
  return { usher, line, stop };
}
