import { Worker } from 'node:worker_threads';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';

/** A mail takes tens of milliseconds, once MJML is loaded, which takes a second or, on a busy machine, ten. */
const DEADLINE_MS = 30_000;
const MAX_AT_ONCE = 2;
const LIMITS = { maxOldGenerationSizeMb: 256, stackSizeMb: 4 };

/** What became of one text in MJML. */
export type CompiledMjml =
  | { readonly html: string }
  | { readonly errors: readonly { readonly line?: number | undefined; readonly message: string }[] };

/** Makes HTML of MJML, each call in a thread of its own: one that takes too long, or too much memory, is ended. Liquid stays as it is. */
@Injectable()
export class MjmlCompilerService {
  private running = 0;

  /** Returns what became of each text. Throws Problem rate_limited while too many are compiled. */
  async compile(sources: readonly string[]): Promise<readonly CompiledMjml[]> {
    if (sources.length === 0) return [];
    if (this.running >= MAX_AT_ONCE) throw new Problem('rate_limited', 'Other mails are being compiled.');
    this.running += 1;
    try {
      return await compileInThread(sources, DEADLINE_MS);
    } catch (error) {
      const message = String((error as Error).message ?? error);
      return sources.map(() => ({ errors: [{ message }] }));
    } finally {
      this.running -= 1;
    }
  }
}

/** Returns what became of each text. Rejects when the thread ends without an answer, or takes longer than the deadline; it is ended then. */
export async function compileInThread(
  sources: readonly string[],
  deadlineMs: number,
): Promise<readonly CompiledMjml[]> {
  const file = new URL('./mjml-thread.mjs', import.meta.url);
  const thread = new Worker(file, { workerData: sources, resourceLimits: LIMITS });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`takes longer than ${deadlineMs / 1_000} s`)), deadlineMs);
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error('cannot be compiled')));
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
