import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ConsistencyChecker,
  expectNoViolations,
  type TrackedEvent,
} from '../../support/consistency-checker.js';
import { call } from '../../support/drivers/back-office.js';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { EventLog } from '../../support/event-log.js';
import { eventually } from '../../support/eventually.js';
import { report } from '../../support/report.js';

/** Sign-ins of two accounts that take turns on devices with one id, on two nodes, while events are published for both. */
const LOGINS = 12;

let nodes: TestUsher[];
let publishing: { stop(): Promise<void> };
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn' });
  nodes = [first, await first.another()];
  publishing = publishContinuously(['ann', 'ben']);
});
afterAll(async () => {
  await publishing.stop();
  await nodes[0]?.stop();
});

/** The other node is notified before the removal is confirmed, but may take a moment to act on it. */
const ELSEWHERE_MS = 250;

/** Publishes events of every tier for these users through both nodes, until `stop` is called. */
function publishContinuously(users: readonly string[]) {
  let going = true;
  const tiers = ['critical', 'important', 'routine'];
  const done = Promise.all(
    users.map(async (userId) => {
      for (let round = 0; going; round += 1) {
        const node = nodes[round % 2] as TestUsher;
        const event = { userId, type: 'note.own', tier: tiers[round % 3], data: checker.nextEvent(userId) };
        await node.backOffice.publish([event]);
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
  /** When each event arrived, in ms since the epoch. */
  readonly receivedAt: number[];
  /** Whose events it received, including routine ones, which are not in the event log. */
  readonly owners: ReadonlySet<string>;
}

async function login(node: TestUsher, userId: string, deviceId: string): Promise<Login> {
  const eventLog = new EventLog();
  const receivedAt: number[] = [];
  const owners = new Set<string>();
  const device = await node.device(userId, deviceId, {
    onFrame: (event, payload) => {
      eventLog.record(event, payload);
      if (event !== 'note.own') return;
      receivedAt.push(Date.now());
      owners.add((payload.data as unknown as TrackedEvent).userId);
    },
  });
  return { userId, deviceId, eventLog, device, receivedAt, owners };
}

const receivedAfter = ({ receivedAt }: Login, moment: number): number =>
  receivedAt.filter((at) => at > moment).length;

describe('two accounts on devices with the same id', () => {
  test.each([
    ['the same node', 0],
    ['two nodes', 1],
  ])(
    'on %s, while events are published for both: each connection receives only its own user’s events, and no sign-in of one ends the other’s',
    async (_, step) => {
      const logins: Login[] = [];
      for (let n = 0; n < LOGINS; n += 1) {
        const node = nodes[(step * (n + (n >> 1))) % 2] as TestUsher;
        const [other, former] = [logins.at(-1), logins.at(-2)];
        former?.device.close();
        const now = await login(node, n % 2 === 0 ? 'ann' : 'ben', 'shared-tv');
        logins.push(now);
        await eventually('it receives events', () => now.eventLog.applied.length > 2);
        const before = other?.eventLog.applied.length ?? 0;
        if (!other) continue;
        await eventually('so does the other user', () => other.eventLog.applied.length > before + 2);
      }
      expectNoViolations({ ...checker.violations(logins), lost: [] });
      for (const { userId, owners } of logins) expect([...owners]).toEqual([userId]);
      for (const { device } of logins.slice(-2)) device.close();
    },
    30_000,
  );

  test('after the previous user signed out offline: none of that user’s events are sent or replayed to the new user', async () => {
    const [here, there] = nodes as [TestUsher, TestUsher];
    const ann = await login(here, 'ann', 'sofa-tv');
    await eventually('the device receives events', () => ann.eventLog.applied.length > 2);
    const { position } = ann.eventLog;
    ann.device.close();
    // A position of the previous account, as an app might send it by mistake.
    const device = await there.device('ben', 'sofa-tv', position ? { position } : {});
    const events = await eventually('the new user receives events', () => {
      const notes = device.envelopes('note.own');
      return notes.length > 5 && notes;
    });
    expect(events.map(({ data }) => data.userId)).not.toContain('ann');
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
      await eventually('the device receives events', () => ann.eventLog.applied.length > 2);
      const { url, token } = nodes[step] as TestUsher;
      expect((await call(url, await token('ann'), 'DELETE', '/v1/me/devices/old-phone')).status).toBe(204);
      const removed = Date.now();
      await ann.device.disconnected();
      report(`removed: ${receivedAfter(ann, removed)} events received after the response`);
      expect(receivedAfter(ann, removed + graceMs)).toBe(0);
    },
  );
});
