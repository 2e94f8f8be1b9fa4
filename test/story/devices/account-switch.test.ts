import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import type { Device } from '../../support/drivers/device.js';
import { eventually } from '../../support/eventually.js';
import {
  expectNoViolations,
  ConsistencyChecker,
  type TrackedEvent,
} from '../../support/consistency-checker.js';
import { EventLog } from '../../support/event-log.js';
import { report } from '../../support/report.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

/** RELIABILITY: A2, A3. One device, several accounts, two nodes, and events on their way to whoever had it before. */
const SWITCHES = 12;

let nodes: TestUsher[];
let publishing: { stop(): Promise<void> };
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn' });
  nodes = [first, await first.another()];
  publishing = traffic(['ann', 'ben']);
});
afterAll(async () => {
  await publishing.stop();
  await nodes[0]?.stop();
});

/** The other node is told before the new user is welcomed, but has its own event loop to get to it. */
const ELSEWHERE_MS = 250;

/** Events for these users all the time, of every tier, by both nodes. */
function traffic(users: readonly string[]) {
  let going = true;
  const tiers = ['critical', 'important', 'routine'];
  const done = Promise.all(
    users.map(async (userId) => {
      for (let round = 0; going; round += 1) {
        const door = nodes[round % 2] as TestUsher;
        const event = { userId, type: 'note.own', tier: tiers[round % 3], data: checker.nextEvent(userId) };
        await door.backOffice.publish([event]);
      }
    }),
  );
  return {
    async stop() {
      going = false;
      await done;
    },
  };
}

interface Login {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventLog: EventLog;
  readonly device: Device;
  /** When each event came. */
  readonly heardAt: number[];
  /** Whose events it heard, routine ones too, which are in no eventLog. */
  readonly owners: ReadonlySet<string>;
}

async function login(node: TestUsher, userId: string, deviceId: string): Promise<Login> {
  const eventLog = new EventLog();
  const heardAt: number[] = [];
  const owners = new Set<string>();
  const device = await node.device(userId, deviceId, {
    onFrame: (event, payload) => {
      eventLog.record(event, payload);
      if (event !== 'note.own') return;
      heardAt.push(Date.now());
      owners.add((payload.data as unknown as TrackedEvent).userId);
    },
  });
  return { userId, deviceId, eventLog, device, heardAt, owners };
}

const heardAfter = ({ heardAt }: Login, moment: number): number => heardAt.filter((at) => at > moment).length;

describe('a device on which another user signs in', () => {
  test.each([
    ['the same node', 0, 0],
    ['another node', 1, ELSEWHERE_MS],
  ])(
    'on %s, while events are published for both users: each connection receives only its own user’s events, and the old one soon receives nothing',
    async (_, step, graceMs) => {
      const logins: Login[] = [];
      let late = 0;
      let leaked = 0;
      for (let n = 0; n < SWITCHES; n += 1) {
        const node = nodes[(n * step) % 2] as TestUsher;
        const former = logins.at(-1);
        const now = await login(node, n % 2 === 0 ? 'ann' : 'ben', 'shared-tv');
        const welcomed = Date.now();
        logins.push(now);
        // The app did not close the former socket: the server must.
        await former?.device.disconnected();
        await eventually('the new user hears events', () => now.eventLog.applied.length > 2);
        if (former) late += heardAfter(former, welcomed);
        if (former) leaked += heardAfter(former, welcomed + graceMs);
      }
      expectNoViolations({ ...checker.violations(logins), lost: [] });
      for (const { userId, owners } of logins) expect([...owners]).toEqual([userId]);
      report(`${late} events reached a former account's own socket after the next one was welcomed`);
      expect(leaked).toBe(0);
      logins.at(-1)?.device.close();
    },
    30_000,
  );

  test('after the previous user signed out offline: none of that user’s events are sent or replayed to the new user', async () => {
    const [here, there] = nodes as [TestUsher, TestUsher];
    const ann = await login(here, 'ann', 'sofa-tv');
    await eventually('it hears events', () => ann.eventLog.applied.length > 2);
    const { position } = ann.eventLog;
    ann.device.close();
    // A position of the former account, as an app might send that forgot to clear it.
    const device = await there.device('ben', 'sofa-tv', position ? { position } : {});
    const told = await eventually('the new user hears events', () => {
      const notes = device.envelopes('note.own');
      return notes.length > 5 && notes;
    });
    expect(told.map(({ data }) => data.userId)).not.toContain('ann');
    device.close();
  });
});

describe('a device that is removed', () => {
  test.each([
    ['by the node that it is connected to', 0, 0],
    ['by another node', 1, ELSEWHERE_MS],
  ])(
    '%s while it is connected: it is disconnected, and receives nothing after the removal was confirmed',
    async (_, step, graceMs) => {
      const ann = await login(nodes[0] as TestUsher, 'ann', 'old-phone');
      await eventually('it hears events', () => ann.eventLog.applied.length > 2);
      const { url, token } = nodes[step] as TestUsher;
      expect((await call(url, await token('ann'), 'DELETE', '/v1/me/devices/old-phone')).status).toBe(204);
      const removed = Date.now();
      await ann.device.disconnected();
      report(`removed: ${heardAfter(ann, removed)} events heard after the answer`);
      expect(heardAfter(ann, removed + graceMs)).toBe(0);
    },
  );
});
