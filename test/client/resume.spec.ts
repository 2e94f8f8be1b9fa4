import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  beginReplay,
  checkOffset,
  getResumePosition,
  MAX_REPLAY_DOWNTIME_MS,
} from '../../clients/web/src/cursor.js';
import { Inbox } from '../../clients/web/src/inbox.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { Disk } from './device.js';
import { Mailbox, ModelDevice } from './model.js';

const ACTS = ['publish', 'receive', 'lose', 'repeat', 'shuffle', 'reconnect', 'restart'] as const;

interface Step {
  readonly act: (typeof ACTS)[number];
  readonly key: number;
}

// Twice, so that there is something to lose.
const step: fc.Arbitrary<Step> = fc.record({ act: fc.constantFrom('publish', ...ACTS), key: fc.nat(4) });

/** As on the server, a version only grows, so the offset can be one. */
function publish(mailbox: Mailbox, { key }: Step) {
  const version = mailbox.head + 1;
  if (key === 0) return mailbox.append('membership.changed', 'membership', { version, status: 'active' });
  const page = { profileId: `p${key}`, version, items: [] };
  if (key < 3) return mailbox.append('recommendations.ready', `recommendations:p${key}`, page);
  return mailbox.append('note', `note:${key}`, {});
}

/** Runs a story on one device; in the end the line is good, and one more event comes. */
function play(steps: readonly Step[]) {
  const mailbox = new Mailbox();
  const device = new ModelDevice(mailbox);
  device.connect();
  let flying = mailbox.all.slice();
  for (const each of steps) {
    if (each.act === 'publish') flying.push(publish(mailbox, each));
    else if (each.act === 'lose') flying = flying.slice(1);
    else if (each.act === 'repeat') flying.push(...mailbox.all.slice(-3));
    else if (each.act === 'shuffle') flying.reverse();
    else {
      if (each.act === 'receive') device.receive(flying);
      if (each.act === 'reconnect') device.connect();
      if (each.act === 'restart') device.restart();
      flying = [];
    }
  }
  device.receive([mailbox.append('note', 'last', {})]);
  return { mailbox, device };
}

describe('resume', () => {
  test('whatever is lost, repeated or out of order, the state is that of whoever was there all along', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = play(steps);
        expect(device.state).toEqual(mailbox.truth);
        expect(device.position).toEqual({ epoch: 'e1', offset: mailbox.head });
      }),
      { numRuns: 500 },
    );
  });

  test('every event that was not superseded is heard once, in order, also across restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = play(steps);
        expect(device.heard).toEqual([...new Set(device.heard)].sort((a, b) => a - b));
        expect(device.heard).toEqual(expect.arrayContaining(mailbox.after(0).map((event) => event.offset)));
      }),
      { numRuns: 500 },
    );
  });

  test('an event is acknowledged only if it was heard, or superseded by one that was', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { mailbox, device } = play(steps);
        const keyAt = (offset: number) => mailbox.all[offset - 1]?.key;
        for (const offset of device.acknowledged) {
          expect(device.heard.some((heard) => heard >= offset && keyAt(heard) === keyAt(offset))).toBe(true);
        }
      }),
    );
  });

  test('replay after any offset, then live, gives the state of having been there all along', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (steps, cut, length) => {
          const mailbox = new Mailbox();
          const device = new ModelDevice(mailbox);
          device.connect();
          const from = cut % steps.length;
          const to = from + (length % (steps.length - from));
          steps.forEach((each, n) => {
            const event = publish(mailbox, each);
            if (n < from || n > to) device.receive([event]);
            else if (n === to) device.connect();
          });
          expect(device.state).toEqual(mailbox.truth);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the gap rule', () => {
  const offsets = { position: fc.nat(50), horizon: fc.nat(50), event: fc.nat(100) };

  test('beyond the horizon only the very next offset is applied, and up to it any newer one', () => {
    fc.assert(
      fc.property(offsets.position, offsets.horizon, offsets.event, (offset, horizon, event) => {
        const verdict = checkOffset(
          { epoch: 'e', offset, replayEnd: horizon },
          { epoch: 'e', offset: event },
        );
        const last = Math.max(offset, horizon);
        expect(verdict).toBe(event <= offset ? 'duplicate' : event <= last + 1 ? 'next' : 'gap');
      }),
    );
  });

  test('an offset of another epoch is never applied, and before a snapshot nothing is', () => {
    expect(checkOffset({ epoch: 'e', offset: 4, replayEnd: 4 }, { epoch: 'f', offset: 5 })).toBe('gap');
    expect(checkOffset(undefined, { epoch: 'e', offset: 1 })).toBe('no_cursor');
  });

  test('a replay follows only the same epoch, and not one that went back', () => {
    const cursor = { epoch: 'e', offset: 5, replayEnd: 3 };
    expect(beginReplay(cursor, { epoch: 'e', offset: 9 })).toEqual({ epoch: 'e', offset: 5, replayEnd: 9 });
    expect(beginReplay(cursor, { epoch: 'e', offset: 4 })).toBeUndefined();
    expect(beginReplay(cursor, { epoch: 'f', offset: 9 })).toBeUndefined();
    expect(beginReplay(undefined, { epoch: 'e', offset: 9 })).toBeUndefined();
  });

  test('a position is handed in only where a replay is enough', () => {
    const cursor = { epoch: 'e', offset: 5, replayEnd: 9 };
    expect(getResumePosition(cursor, MAX_REPLAY_DOWNTIME_MS)).toEqual({ epoch: 'e', offset: 5 });
    expect(getResumePosition(cursor, MAX_REPLAY_DOWNTIME_MS + 1)).toBeUndefined();
    expect(getResumePosition(undefined, 0)).toBeUndefined();
  });
});

describe('an event', () => {
  test('is heard, then remembered, then acknowledged', () => {
    const order: string[] = [];
    const disk = new Disk();
    const inbox = new Inbox({
      deviceId: 'tv',
      positionStore: new PositionStore(disk, 'http://usher', 'tv'),
      now: () => 0,
      onEvent: () => void order.push('heard'),
      onChange: () => undefined,
      onStorageError: () => undefined,
    });
    inbox.setUser('ann');
    inbox.handleSnapshot({ position: { epoch: 'e1', offset: 0 } });
    disk.onWrite = () => void order.push('remembered');
    inbox.handleEvent(new Mailbox().append('note', 'note', {}), () => void order.push('acknowledged'));
    expect(order).toEqual(['heard', 'remembered', 'acknowledged']);
  });
});
