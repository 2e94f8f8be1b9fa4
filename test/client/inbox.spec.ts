import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Inbox } from '../../clients/web/src/inbox.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { DeviceModel, MailboxModel } from './inbox-model.js';
import { MemoryStorage } from './test-client.js';

const ACTIONS = ['publish', 'receive', 'lose', 'repeat', 'reverse', 'reconnect', 'restart'] as const;

interface Step {
  readonly action: (typeof ACTIONS)[number];
  readonly key: number;
}

// `publish` twice, so that there is something to lose.
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('publish', ...ACTIONS),
  key: fc.nat(4),
});

/** Appends an event of one of five keys. As on the server, versions only grow, so the offset serves as one. */
function publish(mailbox: MailboxModel, { key }: Step) {
  const version = mailbox.offset + 1;
  if (key === 0) return mailbox.append('membership.changed', 'membership', { version, status: 'active' });
  const page = { profileId: `p${key}`, version, items: [] };
  if (key < 3) return mailbox.append('recommendations.ready', `recommendations:p${key}`, page);
  return mailbox.append('note', `note:${key}`, {});
}

/** Runs the steps on one device. In the end the network works, and one more event arrives. */
function run(steps: readonly Step[]) {
  const mailbox = new MailboxModel();
  const device = new DeviceModel(mailbox);
  device.connect();
  let inFlight = mailbox.events.slice();
  for (const each of steps) {
    if (each.action === 'publish') inFlight.push(publish(mailbox, each));
    else if (each.action === 'lose') inFlight = inFlight.slice(1);
    else if (each.action === 'repeat') inFlight.push(...mailbox.events.slice(-3));
    else if (each.action === 'reverse') inFlight.reverse();
    else {
      if (each.action === 'receive') device.receive(inFlight);
      if (each.action === 'reconnect') device.connect();
      if (each.action === 'restart') device.restart();
      inFlight = [];
    }
  }
  device.receive([mailbox.append('note', 'last', {})]);
  return { mailbox, device };
}

describe('the inbox', () => {
  test('ends in the right state, whatever is lost, repeated or out of order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = run(steps);
        expect(device.state).toEqual(mailbox.state);
        expect(device.position).toEqual({ epoch: 'e1', offset: mailbox.offset });
      }),
      { numRuns: 500 },
    );
  });

  test('delivers every event that was not superseded once and in order, also across restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = run(steps);
        const { receivedOffsets } = device;
        expect(receivedOffsets).toEqual([...new Set(receivedOffsets)].sort((a, b) => a - b));
        expect(receivedOffsets).toEqual(
          expect.arrayContaining(mailbox.getAfter(0).map((event) => event.offset)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('acknowledges an event only after it, or one that supersedes it, was delivered', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = run(steps);
        const getKey = (offset: number) => mailbox.events[offset - 1]?.key;
        for (const offset of device.acknowledgedOffsets) {
          const isCovered = device.receivedOffsets.some(
            (received) => received >= offset && getKey(received) === getKey(offset),
          );
          expect(isCovered).toBe(true);
        }
      }),
    );
  });

  test('ends in the right state after a replay from any offset, followed by live events', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (steps, cut, length) => {
          const mailbox = new MailboxModel();
          const device = new DeviceModel(mailbox);
          device.connect();
          const from = cut % steps.length;
          const to = from + (length % (steps.length - from));
          steps.forEach((each, n) => {
            const event = publish(mailbox, each);
            if (n < from || n > to) device.receive([event]);
            else if (n === to) device.connect();
          });
          expect(device.state).toEqual(mailbox.state);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('delivers nothing of the past to a new device, even if the connection ends between two pages', () => {
    const mailbox = new MailboxModel();
    for (let n = 1; n <= 7; n += 1) mailbox.append('note', `note:${n}`, {});
    for (const reopen of ['connect', 'restart'] as const) {
      const device = new DeviceModel(mailbox);
      device.breaksAfterPage = true;
      device.connect();
      expect(device.position?.offset).toBe(2);
      device.breaksAfterPage = false;
      device[reopen]();
      expect(device.receivedOffsets).toEqual([]);
      expect(device.state).toEqual(mailbox.state);
      device.receive([mailbox.append('note', `last:${reopen}`, {})]);
      expect(device.receivedOffsets).toEqual([mailbox.offset]);
    }
  });

  test('delivers what a known device has missed once, page after page', () => {
    const mailbox = new MailboxModel();
    mailbox.append('note', 'note:0', {});
    const device = new DeviceModel(mailbox);
    device.connect();
    for (let n = 1; n <= 7; n += 1) mailbox.append('note', `note:${n}`, {});
    device.breaksAfterPage = true;
    device.restart();
    expect(device.receivedOffsets).toEqual([2]);
    device.restart();
    device.breaksAfterPage = false;
    device.connect();
    expect(device.receivedOffsets).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test('delivers an event first, then stores the position, then acknowledges', () => {
    const order: string[] = [];
    const storage = new MemoryStorage();
    const inbox = new Inbox({
      deviceId: 'tv',
      positionStore: new PositionStore(storage, 'http://usher', 'tv'),
      now: () => 0,
      onEvent: () => void order.push('delivered'),
      onChange: () => undefined,
      onStorageError: () => undefined,
    });
    inbox.setUser('ann');
    inbox.handleSnapshot({ position: { epoch: 'e1', offset: 0 } });
    storage.onWrite = () => void order.push('stored');
    inbox.handleEvent(new MailboxModel().append('note', 'note', {}), () => void order.push('acknowledged'));
    expect(order).toEqual(['delivered', 'stored', 'acknowledged']);
  });
});
