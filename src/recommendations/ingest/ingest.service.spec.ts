import { beforeAll, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { TimeoutError } from '../../platform/scheduling/timeout.js';
import { PaceService } from '../pacing/pace.service.js';
import { IngestService, newTally } from './ingest.service.js';
import { LineChecksService } from './line-checks.service.js';

// It logs the failures that this test provokes.
beforeAll(() => Logger.overrideLogger(false));

const file = (lines: number): Buffer =>
  Buffer.from(
    Array.from(
      { length: lines },
      (_, n) => `${JSON.stringify({ userId: `u${n}`, version: 1, items: [] })}\n`,
    ).join(''),
  );

test('users whose pages could not be written do not make the next ones wait to be told', async () => {
  const windows: (number | undefined)[] = [];
  let isAway = true;
  const store = {
    merge: (_: unknown, { withinMs }: { withinMs?: number }) => {
      if (isAway) return Promise.reject(new TimeoutError(15_000));
      windows.push(withinMs);
      return Promise.resolve(
        Array.from({ length: 200 }, (_, row) => ({ row, position: { epoch: 'e1', offset: 1 } })),
      );
    },
  };
  const pace = new PaceService({
    RECOMMENDATIONS_PER_SECOND: 100,
    RECOMMENDATIONS_WINDOW_SECONDS: 300,
  } as never);
  const checks = new LineChecksService(new MetricsService());
  const ingester = new IngestService(
    store as never,
    checks,
    { deliverAppended: () => undefined } as never,
    pace,
  );
  const ingest = async () => {
    for await (const _ of ingester.ingest([file(200)], newTally()));
  };
  for (let attempt = 1; attempt <= 50; attempt += 1) await expect(ingest()).rejects.toThrow(TimeoutError);
  isAway = false;
  await ingest();
  expect(windows).toEqual([2_000]);
});
