/*
 * `npm run check`: the gates that every change passes, side by side, a line each with its time; what a gate has to say is
 * shown when it is closed. Types, the linter, the layer rules (who may import whom), the deployment's YAML and the format.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './places.mjs';

// The rules that need types (a promise that nobody waits for) run where their helper is installed.
const typeAware = existsSync(join(project, 'node_modules', 'oxlint-tsgolint'));

// The types of the web SDK and of the edge library were checked when they were built, before any gate: tools/prepare.mjs.
const gates = [
  { name: 'types', program: 'typescript/bin/tsc', args: ['--noEmit'] },
  {
    name: 'types of the command line',
    program: 'typescript/bin/tsc',
    args: ['--noEmit', '-p', 'clients/cli'],
    needs: 'clients/cli/tsconfig.json',
  },
  {
    name: 'types of the demo page',
    program: 'typescript/bin/tsc',
    args: ['--noEmit', '-p', 'clients/demo'],
    needs: 'clients/demo/tsconfig.json',
  },
  {
    name: 'types of the console',
    program: 'typescript/bin/tsc',
    args: ['--noEmit', '-p', 'clients/console'],
    needs: 'clients/console/tsconfig.json',
  },
  { name: 'lint', program: 'oxlint/bin/oxlint', args: typeAware ? ['--type-aware'] : [] },
  { name: 'layers', program: 'dependency-cruiser/bin/dependency-cruise.mjs', args: ['src'] },
  { name: 'owners of tables', script: 'tools/checks/table-owners.mjs', args: [] },
  { name: 'migrations', script: 'tools/checks/migrations.mjs', args: [] },
  { name: 'names and doc comments', script: 'tools/checks/house.mjs', args: [] },
  { name: 'generated documents', script: 'docs/generate.mjs', args: ['--check'], needs: 'dist/main.js' },
  { name: 'deployment', script: 'tools/checks/manifests.mjs', args: [] },
  { name: 'format', program: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
];

/** Gives the exit code. */
export async function check() {
  const outcomes = await Promise.all(
    gates.filter(({ needs }) => !needs || existsSync(join(project, needs))).map(pass),
  );
  const closed = outcomes.filter((isOpen) => !isOpen).length;
  console.log(closed === 0 ? 'All gates passed.' : `${closed} of ${outcomes.length} gates failed.`);
  return closed === 0 ? 0 : 1;
}

async function pass({ name, program, script, args }) {
  const start = Date.now();
  const { code, said } = await outcome([script ?? join(project, 'node_modules', program), ...args]);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  if (code !== 0) console.log(said.trim().replace(/^/gm, '       '));
  return code === 0;
}

function outcome(args) {
  const child = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}
