/**
 * Where raw files are kept. `put` promises: once it resolves the file survives a crash; until then a reader sees the old one, or none; never a
 * part. Paths have slashes between their parts, and are relative to the zone.
 */
export interface RawZone {
  /** What operators know it by, without credentials. */
  readonly description: string;
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Returns undefined where there is no such file. */
  read(path: string): Promise<string | undefined>;
  has(path: string): Promise<boolean>;
}

/** Injection token of the RawZone. */
export const RAW_ZONE = Symbol('RAW_ZONE');
