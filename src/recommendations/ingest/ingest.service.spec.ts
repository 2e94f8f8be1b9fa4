import { expect, test } from '@jest/globals';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PaceService } from '../pacing/pace.service.js';
import { IngestService, newTally } from './ingest.service.js';
import { LineChecksService } from './line-checks.service.js';

test('users whose pages could not be written take no time from those who are told later', async () => {
  const settings = { RECOMMENDATIONS_PER_SECOND: 1, RECOMMENDATIONS_WINDOW_SECONDS: 3_600 };
  const pace = new PaceService(settings as never);
  const outage = Object.assign(new Error('PostgreSQL is away'), { code: 'ECONNREFUSED' });
  const store = { merge: () => Promise.reject(outage) };
  const checks = new LineChecksService(new MetricsService());
  const ingest = new IngestService(store as never, checks, {} as never, pace);
  const lines = ['ann', 'ben', 'cleo'].map((userId) => JSON.stringify({ userId, version: 1, items: [] }));
  const reading = ingest.ingest([Buffer.from(lines.join('\n'))], newTally());
  await expect(reading.next()).rejects.toBe(outage);
  expect(pace.add(2, 0)).toBe(2_000);
});
