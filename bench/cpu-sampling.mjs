/*
 * Loaded before a server by the scenario `stages` (Nest takes SIGUSR2 for the end): a first SIGWINCH begins to sample its stacks, the next one ends it and writes V8's profile to
 * `<CPU_SAMPLES>/<pid>-<n>.json`, at once.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const INTERVAL_US = 250;
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
let count = 0;
let isOn = false;

process.on('SIGWINCH', () => {
  isOn = !isOn;
  if (isOn) session.post('Profiler.start');
  else session.post('Profiler.stop', (error, { profile } = {}) => error || write(profile));
});

function write(profile) {
  count += 1;
  const file = join(process.env.CPU_SAMPLES, `${process.pid}-${count}.json`);
  writeFileSync(`${file}.part`, JSON.stringify(profile));
  renameSync(`${file}.part`, file);
}
