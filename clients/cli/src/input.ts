import { open } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { resolve } from 'node:path';
import { UsageFailure } from './failures.js';
import type { Terminal } from './terminal.js';

/** Returns the bytes of a file, or of the input for `-`. Throws UsageFailure when it cannot be read. */
export async function openInput({ stdin, cwd }: Terminal, file: string): Promise<Readable> {
  if (file === '-') return stdin;
  const handle = await open(resolve(cwd, file)).catch((error: NodeJS.ErrnoException) => {
    throw new UsageFailure(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  return handle.createReadStream();
}

/** Returns the text of a file, or of the input for `-`. Throws UsageFailure when it cannot be read. */
export async function readInput(terminal: Terminal, file: string): Promise<string> {
  return readAll(await openInput(terminal, file));
}
