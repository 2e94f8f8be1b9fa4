import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { CaptureService } from './capture/capture.service.js';
import { CaptureSessionStore } from './capture/capture-session.store.js';
import { CaptureWorker } from './capture/capture.worker.js';
import { SlotMonitorWorker } from './capture/slot-monitor.worker.js';
import { SlotStore } from './capture/slot.store.js';
import { FolderZoneClient } from './files/folder-zone.client.js';
import { RawFilesService } from './files/raw-files.service.js';
import { RAW_ZONE, type RawZone } from './files/raw-zone.js';
import { S3ZoneClient } from './files/s3-zone.client.js';
import { UserKeyStore } from './keys/user-key.store.js';
import { SnapshotService } from './snapshot/snapshot.service.js';
import { SnapshotStore } from './snapshot/snapshot.store.js';

/** The way out to the warehouse. */
@Module({
  providers: [
    { provide: RAW_ZONE, useFactory: zoneOf, inject: [CONFIG] },
    CaptureService,
    CaptureSessionStore,
    CaptureWorker,
    RawFilesService,
    SlotMonitorWorker,
    SlotStore,
    SnapshotService,
    SnapshotStore,
    UserKeyStore,
  ],
})
export class WarehouseModule {}

function zoneOf(config: Config): RawZone {
  const url = config.WAREHOUSE_BUCKET_URL;
  if (url === undefined) return new FolderZoneClient(config.WAREHOUSE_FOLDER);
  return new S3ZoneClient({
    url,
    region: config.WAREHOUSE_BUCKET_REGION,
    accessKeyId: config.WAREHOUSE_BUCKET_ACCESS_KEY_ID ?? '',
    secretAccessKey: config.WAREHOUSE_BUCKET_SECRET_ACCESS_KEY ?? '',
  });
}
