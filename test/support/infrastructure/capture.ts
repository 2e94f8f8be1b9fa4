import { capturedTables } from '../../../src/captured-tables.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import type { CapturedTable } from '../../../src/platform/warehouse/captured-table.js';
import { CaptureSessionStore } from '../../../src/warehouse/capture/capture-session.store.js';
import { CaptureService } from '../../../src/warehouse/capture/capture.service.js';
import { RawFilesService } from '../../../src/warehouse/files/raw-files.service.js';
import type { RawZone } from '../../../src/warehouse/files/raw-zone.js';
import { UserKeyStore } from '../../../src/warehouse/keys/user-key.store.js';
import { SnapshotService } from '../../../src/warehouse/snapshot/snapshot.service.js';
import { SnapshotStore } from '../../../src/warehouse/snapshot/snapshot.store.js';
import { testConfig } from '../config.js';

/** A capture within the test's process. */
export interface RunningCapture {
  /** Settles as the run does. */
  readonly ended: Promise<void>;
  readonly metrics: MetricsService;
  stop(): Promise<void>;
}

export interface CaptureOptions {
  readonly url: string;
  readonly zone: RawZone;
  readonly tables?: readonly CapturedTable[];
  readonly settings?: Record<string, string>;
}

/** Starts the capture as a worker does, once. It ends when it fails. */
export async function startCapture({ url, zone, tables, settings }: CaptureOptions): Promise<RunningCapture> {
  const config = testConfig({ DATABASE_URL: url, WAREHOUSE: 'on', WAREHOUSE_FILE_SECONDS: '1', ...settings });
  const metrics = new MetricsService();
  const database = new Database(config, metrics);
  const keys = new UserKeyStore(database);
  const files = new RawFilesService(zone, tables ?? capturedTables, 'test', keys, metrics);
  const snapshots = new SnapshotService(new SnapshotStore(config), files);
  const capture = new CaptureService(config, files, snapshots);
  const stopping = new AbortController();
  const session = await new CaptureSessionStore(config).open();
  if (!session) throw new Error('another capture runs');
  const runToEnd = async () => {
    try {
      return await capture.run(session, stopping.signal);
    } finally {
      await session.close();
      await database.onApplicationShutdown();
    }
  };
  const ended = runToEnd();
  ended.catch(() => undefined);
  return {
    ended,
    metrics,
    async stop() {
      stopping.abort();
      await ended.catch(() => undefined);
    },
  };
}
