import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PeriodicWorker, type PeriodicWorkerOptions } from './periodic.worker.js';

type Lane = 'fast' | 'slow';

/** Records its runs; `run` decides what happens in them. */
class TestWorker extends PeriodicWorker<Lane> {
  readonly runs: Lane[] = [];

  constructor(
    options: Omit<PeriodicWorkerOptions<Lane>, 'log'>,
    private readonly run: (lane: Lane) => Promise<void> = async () => undefined,
  ) {
    super({ log: 'test', ...options });
    running.push(this);
  }

  protected runOnce(lane: Lane): Promise<void> {
    this.runs.push(lane);
    return this.run(lane);
  }

  /** Resolves when there have been `count` runs of the lane. */
  async ran(count: number, lane?: Lane): Promise<void> {
    while (this.runs.filter((one) => lane === undefined || one === lane).length < count)
      await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A promise that the test resolves. */
function pendingPromise() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}

let running: TestWorker[] = [];
// They log the failures that these tests provoke.
beforeAll(() => Logger.overrideLogger(false));
afterEach(async () => {
  await Promise.all(running.map((worker) => worker.onApplicationShutdown()));
  running = [];
});

describe('a periodic worker', () => {
  test('runs again and again, also after a run that failed', async () => {
    const worker = new TestWorker({ everyMs: 1 }, async () => {
      throw new Error('broken');
    });
    await worker.onApplicationBootstrap();
    expect(worker.runs).toHaveLength(0);
    await worker.ran(3);
  });

  test('runs once before the end of boot if `firstRun` is at-boot, and a failure does not stop the boot', async () => {
    const worker = new TestWorker({ everyMs: 60_000, firstRun: 'at-boot' }, async () => {
      throw new Error('broken');
    });
    await worker.onApplicationBootstrap();
    expect(worker.runs).toHaveLength(1);
  });

  test('never runs on a node without its role', async () => {
    const worker = new TestWorker({ everyMs: 0, firstRun: 'at-boot', runs: false });
    await worker.onApplicationBootstrap();
    const other = new TestWorker({ everyMs: 0 });
    await other.onApplicationBootstrap();
    await other.ran(3);
    expect(worker.runs).toHaveLength(0);
  });

  test('runs its lanes independently: one that hangs does not delay another', async () => {
    const hanging = pendingPromise();
    const worker = new TestWorker({ everyMs: { fast: 1, slow: 1 } }, async (lane) => {
      if (lane === 'slow') await hanging.promise;
    });
    await worker.onApplicationBootstrap();
    await worker.ran(1, 'slow');
    await worker.ran(3, 'fast');
    expect(worker.runs.filter((lane) => lane === 'slow')).toHaveLength(1);
    hanging.resolve();
  });

  test('waits for its current run when it is stopped, and runs no more', async () => {
    const hanging = pendingPromise();
    const worker = new TestWorker({ everyMs: 0 }, () => hanging.promise);
    await worker.onApplicationBootstrap();
    await worker.ran(1);
    let stopped = false;
    const stopping = worker.onApplicationShutdown().then(() => (stopped = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    hanging.resolve();
    await stopping;
    expect(worker.runs).toHaveLength(1);
  });
});
