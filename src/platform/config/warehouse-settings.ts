import { z } from 'zod';
import { integer, seconds, text, url } from './setting-types.js';

/** The way out to the warehouse: change data capture into a raw zone. */
export const warehouseSettings = {
  /** `on`: nodes with the role `worker` write all changes of the captured tables into the raw zone. PostgreSQL needs `wal_level=logical`. */
  WAREHOUSE: z.enum(['on', 'off']).default('off'),
  /** The folder of the raw zone, unless WAREHOUSE_BUCKET_URL is set. Nodes that are to take over from each other need the same one. */
  WAREHOUSE_FOLDER: text().default('raw-zone'),
  /** A bucket of an S3-compatible store as the raw zone: its endpoint and the bucket, as `https://s3.eu-central-1.amazonaws.com/usher-raw`. */
  WAREHOUSE_BUCKET_URL: url('https:', 'http:').optional(),
  /** The region of the bucket. */
  WAREHOUSE_BUCKET_REGION: text().default('auto'),
  /** Its credentials. */
  WAREHOUSE_BUCKET_ACCESS_KEY_ID: text().optional(),
  /** Its credentials. */
  WAREHOUSE_BUCKET_SECRET_ACCESS_KEY: text().optional(),
  /** Seconds after which what was captured is written into files: how old the raw zone may be. */
  WAREHOUSE_FILE_SECONDS: seconds(60, 1, 3_600),
  /** Megabytes of records, before they are compressed, that are kept in memory until they are written. */
  WAREHOUSE_FILE_MB: integer(1, 1_024).default(32),
};

type WarehouseSettings = {
  [Name in keyof typeof warehouseSettings]?: z.output<(typeof warehouseSettings)[Name]>;
};

const CREDENTIALS = ['WAREHOUSE_BUCKET_ACCESS_KEY_ID', 'WAREHOUSE_BUCKET_SECRET_ACCESS_KEY'] as const;

/** Adds an issue for each credential of the bucket that is missing. */
export function checkWarehouse(env: WarehouseSettings, context: z.RefinementCtx): void {
  if (env.WAREHOUSE_BUCKET_URL === undefined) return;
  for (const name of CREDENTIALS.filter((one) => env[one] === undefined))
    context.addIssue({
      code: 'custom',
      path: [name],
      message: 'is not set: with WAREHOUSE_BUCKET_URL it is needed to write into the bucket',
    });
}
