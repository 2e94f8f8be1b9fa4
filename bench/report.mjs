/* The table that can be pasted, and the same in full for machines. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export function machine() {
  const [first] = cpus();
  const kind = `${cpus().length} × ${first.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system()}, Node ${process.versions.node}`;
  return `${kind}, ${randomReadNs().toFixed(0)} ns a random read of memory`;
}

const PLACES = 2 ** 25;
const READS = 1_000_000;

/**
 * How long a read takes whose place the read before it told, in ns, in 128 MiB. What other machines on the same host do to its caches is seen in
 * nothing else: a quiet host takes some 100 ns, and where it took 400 Node was half as fast.
 */
function randomReadNs() {
  // A linear congruential generator with a full period: one way through all places, in an order that no cache foresees.
  const next = new Int32Array(PLACES).map(
    (_, place) => (Math.imul(place, 1_664_525) + 1_013_904_223) & (PLACES - 1),
  );
  let place = 0;
  const walk = () => {
    for (let n = 0; n < READS; n += 1) place = next[place];
  };
  walk(); // compiled
  const start = performance.now();
  walk();
  return ((performance.now() - start) * 1e6) / READS;
}

export function table(rows) {
  const head = ['what', 'Usher', 'bare', 'ratio', 'PostgreSQL µs', 'bar', 'holds'];
  const lines = rows.map(({ what, usher, bare, ratio, more, bar, holds }) => [
    what,
    number(usher),
    number(bare),
    ratio === undefined ? '' : ratio.toFixed(ratio < 0.1 ? 4 : 2),
    more?.postgres ? number(more.postgres) : '',
    bar ?? '',
    holds === undefined ? '' : holds ? 'yes' : 'NO',
  ]);
  return [head, head.map((_, n) => (n === 0 ? '---' : '---:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Anything that makes a row worth less, in words. */
export function doubts(rows) {
  const found = [];
  for (const { what, more } of rows) {
    for (const side of ['usher', 'bare']) {
      const { faults = 0, superseded = 0 } = more?.[side] ?? {};
      if (faults > 0)
        found.push(`${what}: ${faults} faults on the side of ${side} (missing, refused or lost)`);
      if (superseded > 0.01) {
        found.push(
          `${what}: ${side} did not tell ${(100 * superseded).toFixed(0)} %, as newer ones overtook them`,
        );
      }
    }
  }
  return found;
}

export function save(file, result) {
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

function number(value) {
  if (value === undefined || Number.isNaN(value)) return '';
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function system() {
  try {
    return execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim();
  } catch {
    return process.platform;
  }
}
