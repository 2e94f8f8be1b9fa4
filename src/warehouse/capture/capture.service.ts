import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { RawFilesService } from '../files/raw-files.service.js';
import type { RawFiles } from '../files/raw-files.js';
import { SnapshotService } from '../snapshot/snapshot.service.js';
import { BatchCollector } from './batch-collector.js';
import type { CaptureSession, Slot } from './capture-session.store.js';
import { ChangeStreamClient } from './change-stream.client.js';
import { PUBLICATION } from './publication.js';

/** PostgreSQL ends a connection that it has not heard of for a minute (wal_sender_timeout). */
const LONGEST_MARKER_MS = 10_000;
const SILENCE_MS = 60_000;

/** What takes part in a capture. */
interface Capture {
  readonly session: CaptureSession;
  readonly stream: ChangeStreamClient;
  readonly batch: BatchCollector;
  readonly files: RawFiles;
}

/** Captures changes: the session's act from its first statement to its end. */
@Injectable()
export class CaptureService {
  private readonly log = new Logger('warehouse');
  private lastSaid = '';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly files: RawFilesService,
    private readonly snapshots: SnapshotService,
  ) {}

  /** Resolves when `signal` aborts, or when PostgreSQL is not set up for it. Rejects when a connection or the raw zone fails. */
  async run(session: CaptureSession, signal: AbortSignal): Promise<void> {
    const missing = await session.missing();
    this.say(missing);
    if (missing.length > 0) return;
    await session.publish(this.files.tables);
    const { slot, lost } = await session.slot();
    for (const name of lost) this.files.countLost(name);
    await this.stream(session, slot, await this.files.open(slot), signal);
  }

  private async stream(
    session: CaptureSession,
    slot: Slot,
    files: RawFiles,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = new ChangeStreamClient(this.config.DATABASE_URL);
    const batch = new BatchCollector({
      files,
      maxBytes: this.config.WAREHOUSE_FILE_MB * 1_024 * 1_024,
      maxMs: this.config.WAREHOUSE_FILE_SECONDS * 1_000,
      onWritten: (written) => this.files.written(written),
      onDurable: (lsn) => stream.confirm(lsn),
    });
    const ending = new AbortController();
    const either = AbortSignal.any([signal, ending.signal]);
    const reading = stream.read(
      { slot: slot.name, publication: PUBLICATION },
      (lsn, message) => batch.add(lsn, message),
      either,
    );
    this.log.log(`captures changes by the slot ${slot.name} into ${this.files.place}`);
    // Beside the stream: PostgreSQL would give up a slot that nobody reads while a large table is read.
    const beside = Promise.all([
      this.keepGoing({ session, stream, batch, files }, either),
      this.snapshots.take(files, either),
    ]);
    try {
      await Promise.race([reading, beside]);
    } finally {
      ending.abort();
      await Promise.allSettled([reading, beside]);
    }
  }

  /** Markers come back by the stream, so the batch is looked at in time, and the slot moves on, also when nobody writes. */
  private async keepGoing({ session, stream, batch, files }: Capture, signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(LONGEST_MARKER_MS, this.config.WAREHOUSE_FILE_SECONDS * 1_000);
    while (!signal.aborted) {
      await session.mark();
      await stream.confirm(batch.durableTo);
      await this.files.forgetErased(files);
      if (stream.silentMs > SILENCE_MS)
        throw new Error(`PostgreSQL sent nothing for ${SILENCE_MS / 1_000} s`);
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Says it once, and again when it is something else. */
  private say(missing: readonly string[]): void {
    const text = missing.join(' ');
    if (text !== '' && text !== this.lastSaid)
      this.log.error(`WAREHOUSE=on, and no change is captured: ${text}`);
    this.lastSaid = text;
  }
}
