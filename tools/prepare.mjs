/*
 * From a bare clone to something that runs: packages, the Prisma client, the libraries for clients, the demo page, the console, the documentation, the server. Each step is
 * skipped when nothing it reads has changed since it last succeeded, which is judged by content, because git gives files new
 * times and old content, and the other way round. Uses Node's own modules only, since it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { project, stateFolder } from './places.mjs';
import { argumentsOf } from './processes.mjs';

const inProject = (path) => join(project, ...path.split('/'));
const notSources = new Set(['node_modules', 'dist', 'generated']);

const server = [
  'src',
  'prisma/schema.prisma',
  'nest-cli.json',
  '.swcrc',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];

/** What the site is made of: the pages, and the READMEs that they lead to. */
const documents = [
  'docs',
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'],
  ...['cli', 'conformance', 'edge', 'kotlin', 'python', 'swift', 'web'].map(
    (name) => `clients/${name}/README.md`,
  ),
  'package-lock.json',
];

/**
 * The steps in groups: those of one are built side by side, after the group before. `reads` and `makes` are paths from the project. A step
 * without what it `needs` is left out.
 */
const steps = [
  [
    {
      name: 'database client',
      needs: 'prisma/schema.prisma',
      reads: ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
      makes: 'src/generated/prisma/client.ts',
      run: ['node_modules/prisma/build/index.js', 'generate'],
      // The CLI insists that its schema engine exists, though `generate` never starts it. Any file will do.
      env: {
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
    },
    {
      name: 'web SDK',
      needs: 'clients/web/tsconfig.json',
      reads: ['clients/web', 'tsconfig.json', 'package-lock.json'],
      makes: 'clients/web/dist/index.js',
      run: ['node_modules/typescript/bin/tsc', '-p', 'clients/web'],
    },
    {
      name: 'edge library',
      needs: 'clients/edge/tsconfig.json',
      reads: [
        'clients/edge/src',
        'clients/edge/tsconfig.json',
        'clients/edge/package.json',
        'package-lock.json',
      ],
      makes: 'clients/edge/dist/index.js',
      run: ['node_modules/typescript/bin/tsc', '-p', 'clients/edge'],
    },
  ],
  [
    {
      name: 'command line',
      needs: 'clients/cli/build.mjs',
      reads: [
        'clients/cli',
        'clients/web/src',
        'src/demo/stripe',
        'src/platform',
        'prisma/migrations',
        'package-lock.json',
      ],
      makes: 'clients/cli/dist/main.js',
      run: ['clients/cli/build.mjs'],
    },
    {
      name: 'demo page',
      needs: ['clients/demo/vite.config.ts', 'clients/demo/vite.config.js', 'clients/demo/vite.config.mjs'],
      reads: ['clients/demo', 'clients/web', 'package-lock.json'],
      makes: 'clients/demo/dist/index.html',
      isForRunning: true,
      run: [inProject('node_modules/vite/bin/vite.js'), 'build'],
      cwd: 'clients/demo',
    },
    {
      name: 'console',
      needs: 'clients/console/vite.config.ts',
      reads: ['clients/console', 'package-lock.json'],
      makes: 'clients/console/dist/index.html',
      isForRunning: true,
      run: [inProject('node_modules/vite/bin/vite.js'), 'build'],
      cwd: 'clients/console',
    },
    {
      name: 'documentation',
      needs: 'docs/.vitepress/config.mjs',
      reads: documents,
      makes: 'docs/.vitepress/dist/index.html',
      isForReading: true,
      run: ['node_modules/vitepress/bin/vitepress.js', 'build', 'docs'],
    },
    {
      name: 'server',
      needs: 'src/main.ts',
      reads: server,
      makes: 'dist/main.js',
      isForRunning: true,
      run: ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
    },
  ],
  [
    {
      name: 'bundle of it',
      needs: 'src/main.ts',
      reads: [
        ...server,
        'clients/edge/src',
        'tools/bundle.mjs',
        'tools/launcher.mjs',
        'tools/load-bundle.mjs',
      ], // the demo has the edge library in it
      makes: 'dist/usher-demo.cjs.cache',
      isForRunning: true,
      run: ['tools/bundle.mjs'],
    },
  ],
];

/**
 * Two runs at once in one project (start in one terminal, test in another) must not build over each other. `toRun` is false
 * for the checks: they need the types that the first steps make, and must work on a server that does not build. `toRead` is true where somebody
 * may open the documentation, whose build takes the longest.
 */
export async function prepare({ toRun, toRead }) {
  const release = await onlyOneAtATime();
  try {
    await install();
    for (const group of steps) {
      await all(group.filter((step) => (toRun || !step.isForRunning) && (toRead || !step.isForReading)));
    }
  } finally {
    release();
  }
}

/** Throws what the first of them threw, once all have ended. */
async function all(group) {
  const outcomes = await Promise.allSettled(group.map(build));
  const failed = outcomes.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}

async function install() {
  if (packagesAreCurrent()) return;
  const npm = process.env.npm_execpath;
  const [command, first] = npm && basename(npm) === 'npm-cli.js' ? [process.execPath, [npm]] : ['npm', []];
  // Without install scripts, whatever npm's version: some download, some compile, and nothing here needs them.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  console.log('Installing packages …');
  await timed('Installed packages', () => run(command, [...first, ...args], {}));
}

/**
 * npm writes node_modules/.package-lock.json when an installation is complete. A lock that is newer may still ask for nothing
 * new (git gave it a new time): then every package of it is there in its version. Optional ones are other platforms'.
 */
function packagesAreCurrent() {
  const [lock, installed] = [inProject('package-lock.json'), inProject('node_modules/.package-lock.json')];
  if (!existsSync(installed)) return false;
  if (!existsSync(lock) || statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return true;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true; // a workspace itself
    if (wanted.link) return existsSync(inProject(path));
    const found = present[path];
    return found
      ? found.version === wanted.version
      : Boolean(wanted.optional || wanted.devOptional || wanted.peer);
  });
}

async function build(step) {
  const needs = [step.needs].flat();
  if (!needs.some((path) => existsSync(inProject(path)))) return;
  const stamp = inProject(`node_modules/.cache/usher/${step.name.replaceAll(' ', '-')}`);
  const now = fingerprint(step.reads);
  if (existsSync(inProject(step.makes)) && readOrEmpty(stamp) === now) return;
  rmSync(stamp, { force: true });
  await timed(`Built the ${step.name}`, () => run(process.execPath, step.run, step));
  if (!existsSync(inProject(step.makes))) throw new Error(`Building the ${step.name} made no ${step.makes}.`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now);
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((one) => filesBelow(inProject(one)))) {
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => !notSources.has(name));
  return names.sort().flatMap((name) => filesBelow(join(path, name)));
}

/** Quiet when it works; when it does not, what the command said is the error. */
function run(command, args, { env, cwd }) {
  const child = spawn(command, args, {
    cwd: cwd ? inProject(cwd) : project,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${said.trim()}\n\nFailed: ${[command, ...args].map(short).join(' ')}`)),
    );
  });
}

function short(word) {
  return word === process.execPath ? 'node' : word.replace(`${project}/`, '');
}

async function timed(what, act) {
  const start = Date.now();
  await act();
  console.log(`${what} in ${((Date.now() - start) / 1000).toFixed(1)} s`);
}

async function onlyOneAtATime() {
  const file = join(stateFolder(), 'building');
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid)); // linked below, so that the lock is never seen without its owner's number
  try {
    for (let told = false; !taken(mine, file); await sleep(200)) {
      const other = Number(readOrEmpty(file));
      const isAtWork =
        other !== process.pid && argumentsOf(other).some((argument) => argument.endsWith('run.mjs'));
      if (!isAtWork) rmSync(file, { force: true });
      else if (!told) console.log(`Waiting for another run to finish building (process ${other}) …`);
      told ||= isAtWork;
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function taken(mine, file) {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
