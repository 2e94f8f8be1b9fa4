/* What goes wrong in the room: lines are cut and come back at either node, and a node is killed and started again. All of it follows from a seed. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** A line is cut this long after the last cut, of whichever line, and for so long. Milliseconds, from and to. */
const BETWEEN_CUTS_MS = [500, 2_500];
const CUT_MS = [100, 2_500];
/** Until a load balancer notices that a node is gone, and until the node is started again. */
const NOTICED_AFTER_MS = 300;
const RESTART_AFTER_MS = 3_000;

/** Returns a function that returns numbers from 0 up to but not including 1. The same seed has the same numbers. */
export function seededRandom(seed) {
  let drawn = 0;
  return () =>
    createHash('sha256')
      .update(`${seed}/${(drawn += 1)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32;
}

/**
 * Begins to cut `lines` (`{ name, proxy, node }`), and kills one of `nodes` (`{ url, isUp, kill, start }`) after `killAfterMs`. Counts
 * both in `counts`. Returns `stop`, which ends it with every line and node up again, and throws what went wrong.
 */
export function startFaults({ lines, nodes, random, killAfterMs, counts, signal }) {
  const between = ([from, to]) => from + random() * (to - from);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const ending = new AbortController();
  const untilStopped = AbortSignal.any([signal, ending.signal]);

  const connect = (line) => {
    line.node = pick(nodes.filter(({ isUp }) => isUp));
    line.proxy.setTarget(line.node.url);
    line.proxy.restore();
  };
  const cut = async (line) => {
    counts.cuts += 1;
    line.isCut = true;
    line.proxy.cut();
    await sleep(between(CUT_MS), undefined, { signal });
    connect(line);
    line.isCut = false;
  };
  const cutLines = async () => {
    const cuts = [];
    while (!untilStopped.aborted) {
      await pauseOrStop(between(BETWEEN_CUTS_MS), untilStopped);
      const whole = lines.filter(({ isCut }) => !isCut);
      if (whole.length > 0 && !untilStopped.aborted) cuts.push(cut(pick(whole)));
    }
    await Promise.all(cuts);
  };
  const killNode = async () => {
    await pauseOrStop(killAfterMs, untilStopped);
    if (untilStopped.aborted) return;
    const node = pick(nodes);
    counts.kills += 1;
    await node.kill();
    await sleep(NOTICED_AFTER_MS, undefined, { signal });
    for (const line of lines) if (line.node === node && !line.isCut) connect(line);
    await sleep(RESTART_AFTER_MS, undefined, { signal });
    await node.start();
  };
  const under = Promise.all([cutLines(), killNode()]);
  under.catch(() => {}); // `stop` throws it
  const stop = async () => {
    ending.abort();
    await under;
  };
  return { stop };
}

/** Waits so long, or until it is stopped. */
function pauseOrStop(ms, signal) {
  return sleep(ms, undefined, { signal }).catch(() => {});
}
