import type { Readable, Writable } from 'node:stream';

/** What a command has of the process that it runs in. Tests bring their own. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory in which the command was typed. */
  readonly cwd: string;
  /** The directory of the person's own files. */
  readonly home: string;
  /** Aborted by Ctrl-C: a command that goes on and on ends then, in order. */
  readonly signal: AbortSignal;
}
