/*
 * Where the CPU time of a delivery goes: each sample of a server's stack counts for the innermost module of ours, or package, that is on it; what the
 * kernel does in a write, and garbage collection, count for themselves. Usher and bare Socket.IO, the same variants as in `delivery`. Samples are scaled
 * to the CPU time that the kernel reports, so that the stages of a variant add up to it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { deliveryVariants } from './delivery.mjs';
import { spending, startPair } from './side-by-side.mjs';

const bundle = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'usher.cjs');
const WRITTEN_WITHIN_MS = 10_000;
/** Less of a delivery is not worth a line, in µs. */
const LEAST_US = 0.15;
const KERNEL_WRITES = new Set([
  'writev',
  'writeBuffer',
  'writeUtf8String',
  'writeLatin1String',
  'writeAsciiString',
]);
const ONE_STAGE = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'outside of JavaScript'],
]);
/** Where the samples of the sampler itself count, which takes half a second to begin in a bundle of this size. */
const SAMPLER = 'the sampler';
const BEGUN_WITHIN_MS = 2_000;
/** Lines of the bundle that name the module which follows. */
const MODULE_LINE = /^\/\/ (?:node_modules\/((?:@[^/]+\/)?[^/]+)|dist\/(.+)\/[^/]+\.js$)/;
const PACKAGE_URL = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/;
/** Two levels of our folders: `live/connection`. */
const FOLDER_DEPTH = 2;

export async function stages(context) {
  const folder = mkdtempSync(join(tmpdir(), 'usher-bench-stages-'));
  const pair = await startPair({ ...context, samples: folder });
  const modules = modulesOf(readFileSync(bundle, 'utf8'));
  const measured = new Map();
  for (const isWarmUp of [true, false])
    for (const variant of deliveryVariants(pair))
      measured.set(variant.name, await measure(variant, { ...context, isWarmUp, folder, modules }));
  await pair.stop();
  rmSync(folder, { recursive: true, force: true });
  return [
    ...rowsOf('routine', measured.get('routine'), measured.get('bare, a message an event')),
    ...rowsOf('heartbeats', measured.get('heartbeats'), measured.get('bare, heartbeats relayed')),
    ...rowsOf('critical', measured.get('critical'), measured.get('bare, acknowledged')),
  ];
}

/** Profiles so far, by the server's process id. */
const profiles = new Map();

/** Returns µs of CPU a delivery by stage. */
async function measure({ server, load, ask: [ask, of] }, { options, postmaster, isWarmUp, folder, modules }) {
  const seconds = isWarmUp ? 2 * options.seconds : options.seconds;
  const act = () => load.ask(ask, { ...of, payload: options.payload, seconds });
  if (isWarmUp) return act();
  process.kill(server.pid, 'SIGWINCH');
  await pause(BEGUN_WITHIN_MS);
  const { cpu, deliveries } = await spending({ server, postmaster }, act);
  process.kill(server.pid, 'SIGWINCH');
  const count = (profiles.get(server.pid) ?? 0) + 1;
  profiles.set(server.pid, count);
  const file = join(folder, `${server.pid}-${count}.json`);
  for (const until = Date.now() + WRITTEN_WITHIN_MS; !existsSync(file); await pause(50))
    if (Date.now() > until) throw new Error(`the server did not write ${file}`);
  return scaled(timeByStage(JSON.parse(readFileSync(file, 'utf8')), modules), cpu / deliveries);
}

/** The first line of each module of the bundle, with the name of its stage. */
function modulesOf(text) {
  return text.split('\n').flatMap((line, index) => {
    const [, name, ours] = MODULE_LINE.exec(line) ?? [];
    if (!name && !ours) return [];
    return [{ from: index, stage: name ?? ours.split('/').slice(0, FOLDER_DEPTH).join('/') }];
  });
}

/** The samples' time in µs, by stage. */
function timeByStage({ nodes, samples, timeDeltas }, modules) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stageOfNode = new Map();
  const stageOf = (id) => {
    if (!stageOfNode.has(id)) {
      const own = ownStage(byId.get(id).callFrame, modules);
      const parent = parents.get(id);
      stageOfNode.set(id, own ?? (parent === undefined ? 'Node' : stageOf(parent)));
    }
    return stageOfNode.get(id);
  };
  const times = new Map();
  samples.forEach((id, index) => {
    if (byId.get(id).callFrame.functionName === '(idle)') return;
    times.set(stageOf(id), (times.get(stageOf(id)) ?? 0) + timeDeltas[index]);
  });
  times.delete(SAMPLER);
  return times;
}

/** The stage of a frame; undefined for those that belong to whoever called them: Node's own, and what has no place. */
function ownStage({ functionName, url, lineNumber }, modules) {
  if (url === '' && KERNEL_WRITES.has(functionName)) return 'kernel: writes';
  if (ONE_STAGE.has(functionName)) return ONE_STAGE.get(functionName);
  if (url.endsWith('usher.cjs')) return modules.findLast(({ from }) => from <= lineNumber)?.stage;
  if (url.endsWith('cpu-sampling.mjs')) return SAMPLER;
  if (url.endsWith('bare-server.mjs')) return 'bare-server.mjs';
  return PACKAGE_URL.exec(url)?.[1];
}

function scaled(times, perDelivery) {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return new Map([...times].map(([stage, time]) => [stage, (time / total) * perDelivery]));
}

function rowsOf(variant, usher, bare) {
  const sum = (of) => [...of.values()].reduce((all, one) => all + one, 0);
  const names = [...new Set([...usher.keys(), ...bare.keys()])];
  const rows = names
    .map((name) => ({
      what: `µs a delivery, ${variant}: ${name}`,
      usher: usher.get(name) ?? 0,
      bare: bare.get(name) ?? 0,
    }))
    .filter((row) => Math.max(row.usher, row.bare) >= LEAST_US)
    .toSorted((a, b) => b.usher - a.usher);
  return [{ what: `µs a delivery, ${variant}: all`, usher: sum(usher), bare: sum(bare) }, ...rows];
}
