import { readFileSync } from 'node:fs';
import type { NodeProcess } from './node-process.js';

interface Lent {
  readonly id: string;
  readonly pid: number;
  /** `start`: how much the nodes before it logged, in bytes. */
  readonly log: { readonly file: string; readonly start: number };
}

/** Boots a node of the bundle in a process of the pool (node-pool.mjs) at this URL, which takes it back when it is closed. */
export async function lendNode(
  pool: string,
  bundle: string,
  environment: Record<string, string | undefined>,
): Promise<NodeProcess> {
  const response = await fetch(`${pool}/nodes`, {
    method: 'POST',
    body: JSON.stringify({ bundle, environment }),
  });
  if (!response.ok)
    throw new Error(`the node ended at boot:\n${((await response.json()) as { log: string }).log}`);
  return lent(pool, (await response.json()) as Lent);
}

function lent(pool: string, { id, pid, log }: Lent): NodeProcess {
  let exited: string | undefined;
  let lastWords: string | undefined;
  const read = () => lastWords ?? readFileSync(log.file).subarray(log.start).toString();
  return {
    pid,
    get exited() {
      return exited ?? (isRunning(pid) ? undefined : 'unknown');
    },
    log: read,
    async kill(signal) {
      if (exited !== undefined) return;
      const response = await fetch(`${pool}/nodes/${id}/signal`, {
        method: 'POST',
        body: JSON.stringify({ signal }),
      });
      ({ exited } = (await response.json()) as { exited: string });
    },
    async close() {
      await fetch(`${pool}/nodes/${id}`, { method: 'DELETE' });
      lastWords = read();
      exited ??= '0';
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
