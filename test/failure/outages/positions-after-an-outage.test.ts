import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PlaybackStore, type PlaybackPosition } from '../../../src/playback/playback.store.js';
import { WriteBehindWorker } from '../../../src/playback/write-behind.worker.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

/** More than one run could save if each save let another one in. */
const HEARTBEATS = 5_000;

let postgres: TestDatabase;
let database: Database;
beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database(testConfig({ DATABASE_URL: postgres.url }));
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

const positionOf = (n: number): PlaybackPosition => ({
  userId: `u${n}`,
  profileId: 'main',
  showId: 'dark',
  episodeId: undefined,
  positionSeconds: n,
  durationSeconds: 10_000,
  state: 'playing',
  deviceId: 'tv',
  deviceName: undefined,
  at: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
  autoplayEpisodes: 0,
  asked: false,
});

test('on a node where heartbeats never pause, they are saved at once again when PostgreSQL is back', async () => {
  let heartbeats = 0;
  /** The real store, and another heartbeat that comes during each save; it waits if PostgreSQL still counts as unavailable. */
  class BusyStore extends PlaybackStore {
    override async save(position: PlaybackPosition): Promise<boolean> {
      heartbeats += 1;
      if (worker.isPostgresAway && heartbeats < HEARTBEATS) worker.add(positionOf(heartbeats));
      return super.save(position);
    }
  }
  const worker = new WriteBehindWorker(new BusyStore(database), new MetricsService());
  worker.add(positionOf(0));
  expect(worker.isPostgresAway).toBe(true);
  await worker.runOnce();
  expect(worker.isPostgresAway).toBe(false);
  await worker.runOnce();
  expect(await postgres.query('SELECT user_id FROM playback_position ORDER BY user_id')).toEqual([
    { user_id: 'u0' },
    { user_id: 'u1' },
  ]);
});
