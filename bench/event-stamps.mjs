/*
 * Loaded before Usher by the scenario `flood`: when durable events took each step through it (src/platform/tracing/event-steps.ts), and
 * what held up its event loop meanwhile. A first SIGWINCH begins (Nest takes SIGUSR2 for the end), the next one ends it and writes
 * `<EVENT_STAMPS>/<pid>-<n>.json`. Times are in µs, by the clock of the machine.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { machineClock } from './load/clock.mjs';

const RESOLUTION_MS = 2;
const NS_PER_US = 1_000;
/** From the times of perf_hooks, in ms, to the clock of the machine. */
const toMachineClock = (ms) => Math.round(ms * 1_000 + machineClock() - performance.now() * 1_000);

let count = 0;
let recording = null;
const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const collections = new PerformanceObserver((list) => {
  for (const { startTime, duration, detail } of list.getEntries())
    recording.collections.push({ at: toMachineClock(startTime), us: duration * 1_000, kind: detail.kind });
});

function onRequest({ request }) {
  const id = request.headers['x-request-id'];
  if (id !== undefined) recording.requests.push({ id, at: machineClock() });
}

/** Routine events are not queued, and so not recorded. */
function onStep({ step, id }) {
  if (step === 'queued') recording.events.set(id, {});
  const event = recording.events.get(id);
  if (event) event[step] = machineClock(); // of several devices the last one counts
}

process.on('SIGWINCH', () => (recording ? end() : begin()));

function begin() {
  recording = { requests: [], events: new Map(), collections: [] };
  subscribe('http.server.request.start', onRequest);
  subscribe('usher:event-step', onStep);
  collections.observe({ entryTypes: ['gc'] });
  loopDelay.enable();
}

function end() {
  unsubscribe('http.server.request.start', onRequest);
  unsubscribe('usher:event-step', onStep);
  collections.disconnect();
  loopDelay.disable();
  const late = (percentile) =>
    Math.max(0, loopDelay.percentile(percentile) / NS_PER_US - RESOLUTION_MS * 1_000);
  const { events, ...rest } = recording;
  recording = null;
  count += 1;
  const file = join(process.env.EVENT_STAMPS, `${process.pid}-${count}.json`);
  const loop = { p50: late(50), p99: late(99), max: late(100) };
  writeFileSync(`${file}.part`, JSON.stringify({ ...rest, events: Object.fromEntries(events), loop }));
  renameSync(`${file}.part`, file);
  loopDelay.reset();
}
