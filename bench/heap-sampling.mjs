/*
 * Loaded before a server by `--heap <folder>`: once it has booted, samples what is allocated and survives the young generation,
 * whether or not a major collection frees it later. When it is told to stop it writes the sites that allocated most of it, and how many
 * major collections there were, to `<folder>/heap-<pid>.txt`; and V8's profile beside it, for Chromium's developer tools.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { join } from 'node:path';

const folder = process.env.HEAP_FOLDER;
/** A boot takes less, and its objects are not what is asked about. */
const BOOT_MS = 5_000;
/** Of the table. */
const SITES = 40;
const SAMPLING_INTERVAL_BYTES = 8_192;

const session = new Session();
session.connect();
const majors = [];
let start = null;

setTimeout(() => {
  start = performance.now();
  session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: false,
  });
  new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majors.push(duration);
    }
  }).observe({ entryTypes: ['gc'] });
}, BOOT_MS).unref();

// Nest closes the server and then ends the process by the same signal: there is no `exit` event.
process.once('SIGTERM', () => {
  if (start === null) return;
  // In the same process the answer comes before `post` returns.
  session.post('HeapProfiler.stopSampling', (error, { profile } = {}) => {
    if (error) return;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `heap-${process.pid}`);
    writeFileSync(`${file}.heapprofile`, JSON.stringify(profile));
    writeFileSync(`${file}.txt`, report(profile));
  });
});

function report({ head }) {
  const sites = new Map();
  let total = 0;
  const visit = ({ callFrame, selfSize, children }) => {
    const { functionName, url, lineNumber } = callFrame;
    const site = `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
    sites.set(site, (sites.get(site) ?? 0) + selfSize);
    total += selfSize;
    children.forEach(visit);
  };
  visit(head);
  const seconds = (performance.now() - start) / 1_000;
  const mebibytes = (bytes) => (bytes / 1_048_576).toFixed(2).padStart(9);
  const top = [...sites].toSorted(([, a], [, b]) => b - a).slice(0, SITES);
  return [
    `${seconds.toFixed(0)} s; ${majors.length} major collections, the longest ${Math.max(0, ...majors).toFixed(0)} ms`,
    `${mebibytes(total)} MiB survived the young generation, of which:`,
    ...top.map(([site, bytes]) => `${mebibytes(bytes)} MiB ${site}`),
    '',
  ].join('\n');
}
