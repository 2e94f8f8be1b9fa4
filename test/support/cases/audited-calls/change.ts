import { expect } from '@jest/globals';
import type { HttpReply } from '../../drivers/back-office.js';
import type { TestUsher } from '../../drivers/usher.js';

/** A call by which people change something. */
export interface Change {
  readonly scope: 'support' | 'operate' | 'admin';
  /** Makes ready what is to be changed. Returns the path. */
  prepare(usher: TestUsher, name: string): Promise<string> | string;
  body?(name: string): unknown;
  /** Of a body that is not JSON. */
  readonly contentType?: string;
  /** What the newest entry tells. */
  told(reply: HttpReply, path: string): Record<string, unknown>;
}

/** Returns what the path names: its third part. */
export const idOf = (path: string): string => path.split('/')[3] ?? '';

/** Puts something by the API, to be changed. Returns its path. */
export async function putAt(usher: TestUsher, path: string, body: unknown): Promise<string> {
  expect((await usher.backOffice.call('PUT', path, body)).status).toBe(200);
  return path;
}
