import { homedir } from 'node:os';
import process from 'node:process';
import { run } from './run.js';

/** A second Ctrl-C ends what does not end by itself. */
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}
// `usher tail ada | head` closes the pipe, and there is nobody left to tell.
process.stdout.on('error', () => process.exit(0));

// Not awaited at the top: what a command loads may import parts that are bundled into this file.
void run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  signal: interruption.signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
