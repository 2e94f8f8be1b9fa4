/* The table that can be pasted, and the same in full for machines. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export function machine() {
  const [first] = cpus();
  return `${cpus().length} × ${first.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system()}, Node ${process.versions.node}`;
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
