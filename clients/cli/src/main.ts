import { homedir } from 'node:os';
import process from 'node:process';
import { watchForInterruption } from './interruption.js';
import { run } from './run.js';

const signal = watchForInterruption();
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
  signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
