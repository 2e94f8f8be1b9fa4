import { readFileSync } from 'node:fs';
import process from 'node:process';

/** How often it is looked whether npx is still there, in ms. */
const LOOK_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Returns a signal that is aborted when somebody wants the command to end: Ctrl-C, a signal, or a closed terminal. A second one ends what
 * does not end by itself. The end of npx counts too: it stands above us with a shell between, which passes no signal on.
 */
export function watchForInterruption(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(130);
      interruption.abort();
    });
  }
  if (process.env['npm_lifecycle_event'] === 'npx') watchNpx(() => interruption.abort());
  return interruption.signal;
}

function watchNpx(onEnd: () => void): void {
  const above = npxAbove();
  const timer = setInterval(() => {
    if (npxAbove() === above) return;
    clearInterval(timer);
    onEnd();
  }, LOOK_MS);
  timer.unref();
}

/** Returns the process above us, and the one above that: a shell of npx either becomes the command or stays between the two. */
function npxAbove(): string {
  return `${process.ppid} ${parentOf(process.ppid)}`;
}

/** Only Linux says it in a file. Elsewhere the shell becomes the command. */
function parentOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? ''; // the name in brackets may hold spaces
  } catch {
    return '';
  }
}
