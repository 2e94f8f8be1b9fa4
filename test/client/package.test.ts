import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const project = fileURLToPath(new URL('../../', import.meta.url));
const MAX_GZIP_BYTES = 15 * 1024;
const PEERS = ['socket.io-client', 'react', '@types/react'];

/** An app in TypeScript as a reader of the README writes it. A line after `@ts-expect-error` must not compile. */
const APP = `
import { connect, connectShared, UsherError, type State, type UsherClient } from '@usher/client';
import { UsherProvider, useUsherEvent, useUsherState } from '@usher/client/react';
import { handlePushes, type WorkerScope } from '@usher/client/service-worker';

declare module '@usher/client' {
  interface UsherEvents { 'party.invited': { partyId: string } }
}

const usher: UsherClient = connect({ url: 'https://usher.test', token: async () => 't', deviceId: 'tv', platform: 'tv' });
const shared: UsherClient = connectShared({ url: 'https://usher.test', token: 't', userId: 'ann', deviceId: 'b', platform: 'web' });
usher.on('membership.changed', ({ data }) => { const streams: number = data.capabilities.maxStreams; void streams; });
usher.on('party.invited', ({ data }) => { const id: string = data.partyId; void id; });
usher.on('change', (state: State) => state.membership?.version.toFixed());
usher.on('refused', (error: UsherError) => error.code);
usher.on('of.my.own', ({ data }) => { const unknownData: unknown = data; void unknownData; });
const seconds: Promise<number> = usher.beat({ showId: 's', positionSeconds: 1, durationSeconds: 2, state: 'paused' }).then((answer) => answer.nextSeconds);
export function Plan(): string {
  useUsherEvent('party.invited', ({ data }) => data.partyId.length);
  const plan: string | null | undefined = useUsherState((state) => state.membership?.planId);
  return plan ?? '';
}
export const root = UsherProvider({ client: shared });
export const install = (scope: WorkerScope) => handlePushes(scope, { isSignedIn: (userId: string) => userId === 'ann' });
void seconds;

// @ts-expect-error -- the platform is one of four
connect({ url: 'https://usher.test', token: 't', deviceId: 'tv', platform: 'fridge' });
// @ts-expect-error -- tabs are shared by a user
connectShared({ url: 'https://usher.test', token: 't', deviceId: 'tv', platform: 'tv' });
// @ts-expect-error -- this event has no such data
usher.on('stream.stop', ({ data }) => data.movieId);
// @ts-expect-error -- the state is read-only
usher.state.playback.push();
// @ts-expect-error -- a position is in seconds
void usher.beat({ showId: 's', position: 1, durationSeconds: 2, state: 'paused' });
`;

describe('the package @usher/client', () => {
  let app: string;
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      cwd: app,
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  beforeAll(() => {
    app = mkdtempSync(join(tmpdir(), 'usher-package-'));
    writeFileSync(join(app, 'package.json'), '{ "name": "empty-app", "private": true, "type": "module" }');
    const packed = run('npm', 'pack', join(project, 'clients/web'), '--json', '--ignore-scripts');
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
    run(
      'npm',
      'install',
      `./${filename}`,
      '--offline',
      '--legacy-peer-deps',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    );
    for (const peer of PEERS) {
      mkdirSync(join(app, 'node_modules', peer, '..'), { recursive: true });
      symlinkSync(join(project, 'node_modules', peer), join(app, 'node_modules', peer));
    }
  }, 120_000);
  afterAll(() => rmSync(app, { recursive: true, force: true }));

  test('can be installed into an empty app and imported, each part of it', () => {
    const names = (part: string) =>
      run(
        'node',
        '--input-type=module',
        '-e',
        `console.log(Object.keys(await import('@usher/client${part}')).sort().join())`,
      ).trim();
    expect(names('')).toBe('UsherError,connect,connectShared,subscribeToPush');
    expect(names('/react')).toBe('UsherProvider,useUsher,useUsherEvent,useUsherState');
    expect(names('/service-worker')).toBe('handlePushes,sendSeen');
    expect(() => names('/dist/outbox.js')).toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('carries its readme, changelog and licence, and no sources or tests', () => {
    const files = run('npm', 'query', '#@usher/client');
    expect(files).toContain('"@usher/client@0.1.0"');
    const listed = run('ls', 'node_modules/@usher/client').trim().split('\n');
    expect(listed).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
  });

  test.each(['bundler', 'nodenext'])(
    'is typed, with moduleResolution %s and without the types of a browser',
    (resolution) => {
      writeFileSync(join(app, 'app.ts'), APP);
      const options = {
        strict: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2022'],
        types: [],
        skipLibCheck: true,
        module: resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: resolution,
      };
      writeFileSync(
        join(app, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, files: ['app.ts'] }),
      );
      const tsc = join(project, 'node_modules/typescript/bin/tsc');
      let said = '';
      try {
        run('node', tsc, '-p', '.');
      } catch (error) {
        said = String((error as { stdout?: string }).stdout);
      }
      expect(said).toBe('');
    },
  );

  test('has less than 15 KB gzipped, without socket.io-client', () => {
    const bundler = join(project, 'test/browser/web-client/bundle.mjs');
    const bundle = (source: string, ...external: string[]) =>
      gzipSync(
        execFileSync(process.execPath, [bundler, '--minify', ...external], {
          input: source,
          timeout: 60_000,
        }),
      ).length;
    const all = bundle(
      `export * from '@usher/client'; export * from '@usher/client/react'; export * from '@usher/client/service-worker';`,
      'socket.io-client',
      'react',
    );
    expect(all).toBeGreaterThan(4_000);
    expect(all).toBeLessThan(MAX_GZIP_BYTES);
    // An app that uses neither tabs nor push does not carry them.
    const alone = bundle(`export { connect } from '@usher/client';`, 'socket.io-client');
    expect(alone).toBeLessThan(all - 1_500);
  });
});

/** What @usher/edge's reader writes. */
const EDGE_APP = `
import { Edge, type EdgeOptions } from '@usher/edge';
export const start = (options: EdgeOptions): Edge => new Edge(options);
`;
const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(project, `clients/${folder}/package.json`), 'utf8')) as Manifest;
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Record<string, string>;
  readonly [field: string]: unknown;
}

describe.each(['web', 'edge', 'cli'])('the package of clients/%s', (folder) => {
  test('names its licence, repository and engines, and is published with provenance', () => {
    expect(manifest(folder)).toMatchObject({
      license: 'Apache-2.0',
      repository: { type: 'git', url: expect.stringMatching(/^git\+https:/), directory: `clients/${folder}` },
      homepage: expect.stringMatching(/^https:/),
      bugs: expect.stringMatching(/^https:/),
      engines: manifest('cli').engines,
      publishConfig: { access: 'public', provenance: true },
    });
  });
});

describe.each(['edge', 'cli'])('the tarball of clients/%s, unpacked into an empty project', (folder) => {
  const { name, version, dependencies } = manifest(folder);
  let app: string;
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: app, encoding: 'utf8', timeout: 120_000 });

  beforeAll(() => {
    app = mkdtempSync(join(tmpdir(), 'usher-package-'));
    writeFileSync(join(app, 'package.json'), '{ "name": "empty-app", "private": true, "type": "module" }');
    const packed = run('npm', 'pack', join(project, 'clients', folder), '--json', '--ignore-scripts');
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
    const installed = join(app, 'node_modules', name);
    mkdirSync(installed, { recursive: true });
    run('tar', '-xzf', filename, '-C', installed, '--strip-components=1');
    // Its dependencies from here: an installation would need the network.
    for (const dependency of [...Object.keys(dependencies), '@types/node']) {
      mkdirSync(join(app, 'node_modules', dependency, '..'), { recursive: true });
      symlinkSync(join(project, 'node_modules', dependency), join(app, 'node_modules', dependency));
    }
  }, 120_000);
  afterAll(() => rmSync(app, { recursive: true, force: true }));

  test('carries its readme, changelog and licence, and no sources or tests', () => {
    const listed = run('ls', join('node_modules', name)).trim().split('\n');
    const programs = folder === 'cli' ? ['bin'] : [];
    expect(listed.toSorted()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', ...programs].toSorted(),
    );
  });

  if (folder === 'edge')
    test('can be imported, and is typed', () => {
      const names = `console.log(Object.keys(await import('@usher/edge')).join())`;
      expect(run('node', '--input-type=module', '-e', names)).toContain('Edge');
      writeFileSync(join(app, 'app.ts'), EDGE_APP);
      const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: ['node'] };
      writeFileSync(
        join(app, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: { ...options, skipLibCheck: true }, files: ['app.ts'] }),
      );
      expect(run('node', join(project, 'node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
    });
  else
    test('runs as `usher`, and examines an installation', () => {
      const program = join('node_modules', name, 'bin/usher.js');
      expect(run('node', program, '--version').trim()).toBe(version);
      expect(run('node', program, 'doctor', '--help')).toContain('doctor');
    });
});
