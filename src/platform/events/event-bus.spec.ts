import { beforeAll, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EventBusService } from './event-bus.service.js';
import { Topic } from './topic.js';

const counted = new Topic<number>('test.counted');

// It logs the failures that these tests provoke.
beforeAll(() => Logger.overrideLogger(false));

describe('the event bus', () => {
  test('calls every listener of a topic, in the order of subscription, before publish returns', () => {
    const bus = new EventBusService();
    const calls: string[] = [];
    bus.subscribe(counted, (n) => void calls.push(`first ${n}`));
    bus.subscribe(counted, (n) => void calls.push(`second ${n}`));
    bus.subscribe(new Topic<number>('test.counted'), () => void calls.push('another topic of the same name'));
    bus.publish(counted, 1);
    expect(calls).toEqual(['first 1', 'second 1']);
  });

  test('a listener that fails fails neither the publisher nor the next listener', () => {
    const bus = new EventBusService();
    const calls: number[] = [];
    bus.subscribe(counted, () => {
      throw new Error('broken');
    });
    bus.subscribe(counted, () => Promise.reject(new Error('broken later')));
    bus.subscribe(counted, (n) => void calls.push(n));
    bus.publish(counted, 7);
    expect(calls).toEqual([7]);
  });

  test('publishAndWait resolves when all listeners are done, and throws what one of them threw', async () => {
    const bus = new EventBusService();
    let done = false;
    bus.subscribe(counted, async (n) => {
      await Promise.resolve();
      if (n < 0) throw new Error('negative');
      done = true;
    });
    await bus.publishAndWait(counted, 1);
    expect(done).toBe(true);
    await expect(bus.publishAndWait(counted, -1)).rejects.toThrow('negative');
  });
});
