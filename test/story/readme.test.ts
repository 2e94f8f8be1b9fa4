import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../support/drivers/usher.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${project}README.md`, 'utf8');

/** Returns the text of the only fenced block with this language. */
function snippet(language: string): string {
  const found = [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))];
  expect(found).toHaveLength(1);
  return found[0]?.[1] ?? '';
}

/** Replaces what `npm start` would print by what belongs to this server. A placeholder that is not there fails the test. */
function fillIn(source: string, values: Record<string, string>): string {
  return Object.entries(values).reduce((filled, [placeholder, value]) => {
    expect(filled).toContain(placeholder);
    return filled.replaceAll(placeholder, value);
  }, source);
}

/** Removes the `…` of an abbreviated JSON example. */
const parseExample = (json: string): unknown => JSON.parse(json.replaceAll(/,\s*…/g, ''));

const noCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'no curl';

describeIfAvailable(noCurl, 'a newcomer who follows the README', () => {
  let usher: TestUsher;
  let token: string;
  let client: ChildProcess | undefined;
  const runShell = async () => {
    const values = { 'http://127.0.0.1:3000': usher.url, 'usher_dev_…': ADMIN_KEY, 'eyJ…': token };
    const child = spawn('sh', ['-eu', '-c', fillIn(snippet('sh'), values)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A proxy of this machine does not reach the server.
      env: { ...process.env, no_proxy: '*' },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(stderr).toBe('');
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  beforeAll(async () => {
    usher = await startUsher();
    token = await usher.token('demo');
  });
  afterAll(async () => {
    client?.kill();
    await usher.stop();
  });

  test('makes a plan, publishes an event, and reads why a device did not get it', async () => {
    const [plan, device, published, timeline] = await runShell();
    expect(plan).toMatchObject({ planId: 'family', prices: ['price_family'] });
    expect(device).toMatchObject({ deviceId: 'kitchen', platform: 'tv' });
    expect(published).toEqual({ accepted: [{ id: expect.any(String), offset: 1 }] });
    expect(timeline).toMatchObject(parseExample(snippet('json')) as Record<string, unknown>);
  });

  test('connects that device with the web client, which prints what the README says', async () => {
    const [connected, received] = [...readme.matchAll(/it prints `([^`]+)`/gi)].map(
      ([, printed]) => printed ?? '',
    );
    await runShell(); // the event that the device missed
    const source = fillIn(snippet('js'), { 'http://127.0.0.1:3000': usher.url, 'eyJ…': token });
    client = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: project });
    let printed = '';
    for (const stream of [client.stdout, client.stderr])
      stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually('it is connected', () => printed.includes(`${connected}\n`)).catch((error: Error) => {
      throw new Error(`${error.message}; it printed: ${printed}`);
    });
    await runShell();
    await eventually('the event is printed', () => printed.includes(`${received}\n`));
    await eventually('the timeline says so', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/users/demo/timeline?limit=1');
      const [step] = body.timeline as { devices: { deviceId: string; state: string }[] }[];
      return step?.devices.some(({ deviceId, state }) => deviceId === 'kitchen' && state === 'received');
    });
  });
});
