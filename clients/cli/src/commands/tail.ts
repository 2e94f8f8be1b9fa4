import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { UsherApi } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { parseCount, parseDuration } from '../durations.js';
import { stepLine } from '../timeline/step-line.js';
import { readTimeline, type Step } from '../timeline/timeline.js';

/** How far back a poll looks for steps that are new, in pages of 200. */
const MOST_PAGES = 10;
/** How many steps are remembered, so that none is printed twice. */
const MOST_SEEN = 10_000;

/** `usher tail <user>` */
export function addTail(program: Command, open: () => Cli): void {
  program
    .command('tail <user>')
    .description('follow what happens to a user: webhooks, memberships, events, streams; Ctrl-C ends it')
    .option('--every <time>', 'how often to look: 2s, 1m', parseDuration, 2)
    .option(
      '-n, --lines <count>',
      'how many earlier steps to show first, 200 at most',
      parseCount(0, 200),
      10,
    )
    .action(async (userId: string, { every, lines }: { every: number; lines: number }) => {
      const { api, output, terminal } = open();
      const seen = new Set<string>();
      const show = (steps: readonly Step[]) => {
        for (const step of steps) output.result(step, () => [stepLine(step)]);
      };
      // The first look remembers everything, and shows only the last lines.
      const earlier = await newSteps(api, userId, seen, 1);
      if (lines > 0) show(earlier.slice(-lines));
      while (!terminal.signal.aborted) {
        await pause(every * 1_000, undefined, { signal: terminal.signal }).catch(() => undefined);
        if (!terminal.signal.aborted) show(await newSteps(api, userId, seen, MOST_PAGES));
      }
    });
}

/** Returns the steps that were not seen yet, the oldest first. It stops at the first page that has none. */
async function newSteps(api: UsherApi, userId: string, seen: Set<string>, pages: number): Promise<Step[]> {
  const found: Step[] = [];
  let inARow = 0;
  for await (const step of readTimeline(api, userId, pages)) {
    const identity = identityOf(step);
    inARow = seen.has(identity) ? inARow + 1 : 0;
    // Steps of one instant may become visible in any order, so one that is known does not end the search; many do.
    if (inARow > 50) break;
    if (!seen.has(identity)) found.push(step);
  }
  for (const step of found) seen.add(identityOf(step));
  for (const oldest of seen) {
    if (seen.size <= MOST_SEEN) break;
    seen.delete(oldest);
  }
  return found.reverse();
}

/** An event stays the same step whatever becomes of it; another kind of step is new when it says something new. */
const identityOf = (step: Step): string => (step.step === 'event' ? step.id : JSON.stringify(step));
