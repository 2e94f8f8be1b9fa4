import { S3mini, S3ServiceError } from 's3mini';
import type { RawZone } from './raw-zone.js';

const REQUEST_TIMEOUT_MS = 60_000;

/** Where the bucket is, and who writes into it. */
export interface BucketOptions {
  /** The endpoint and the bucket. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A raw zone in a bucket of an S3-compatible store. A PUT is seen whole or not at all, and is durable when it is answered. */
export class S3ZoneClient implements RawZone {
  readonly description: string;
  private readonly bucket: S3mini;

  constructor({ url, region, accessKeyId, secretAccessKey }: BucketOptions) {
    this.description = url;
    this.bucket = new S3mini({
      endpoint: url,
      region,
      accessKeyId,
      secretAccessKey,
      requestAbortTimeout: REQUEST_TIMEOUT_MS,
    });
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.bucket.putObject(path, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  async read(path: string): Promise<string | undefined> {
    try {
      return (await this.bucket.getObject(path)) ?? undefined;
    } catch (error) {
      if (error instanceof S3ServiceError && error.status === 404) return undefined;
      throw error;
    }
  }

  async has(path: string): Promise<boolean> {
    return (await this.bucket.objectExists(path)) === true;
  }
}
