import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { lendNode } from './lent-node.js';

/** A node that runs. */
export interface NodeProcess {
  readonly pid: number;
  /** The exit code or signal of the process; undefined while it runs. */
  readonly exited: string | undefined;
  /** Returns everything that the node logged so far. */
  log(): string;
  /** Sends the signal, and resolves when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the node as SIGTERM does. */
  close(): Promise<void>;
}

const built = (file: string): string => fileURLToPath(new URL(`../../../dist/${file}`, import.meta.url));
/** The server; with the demo page for NODE_ENV=development. */
const program = (nodeEnv: string | undefined): string => (nodeEnv === 'development' ? 'usher-demo' : 'usher');

/** What Node, or the server before it boots, does for its process for good. */
const FOR_A_PROCESS = /^(NODE_OPTIONS|PROCESSES|OTEL_.*)$/;

/**
 * Starts a node of `dist/`, in a process that is kept for the next node of the tests, or in one of its own: where the environment asks for
 * what concerns a process, in production, and in the failure suite. Rejects with the log of a process that ended at boot. `file`: another
 * program than the built server.
 */
export function startNode(
  environment: Record<string, string | undefined>,
  file?: string,
): Promise<NodeProcess> {
  if (file !== undefined) return Promise.resolve(startProcess(file, environment));
  const lender = process.env.USHER_TEST_NODES;
  const needsItsOwn =
    lender === undefined ||
    process.env.USHER_SUITE === 'failures' ||
    environment.NODE_ENV === 'production' ||
    Object.keys(environment).some((name) => FOR_A_PROCESS.test(name));
  const name = program(environment.NODE_ENV);
  return needsItsOwn
    ? Promise.resolve(startProcess(built(`${name}.js`), environment))
    : lendNode(lender, built(`${name}.cjs`), environment);
}

function startProcess(file: string, environment: Record<string, string | undefined>): NodeProcess {
  const child = spawn(process.execPath, [file], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => log.push(data.toString()));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const kill = async (signal: NodeJS.Signals) => {
    if (hasEnded()) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    pid: child.pid ?? 0,
    get exited() {
      return hasEnded() ? `${child.signalCode ?? child.exitCode}` : undefined;
    },
    log: () => log.join(''),
    kill,
    close: () => kill('SIGTERM'),
  };
}
