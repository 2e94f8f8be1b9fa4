import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/scheduling/batcher.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { statement } from '../platform/postgres/statement.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import type { PlaybackState, Viewing } from './viewing.js';

const SAVE = statement('save-positions.sql', import.meta.url);
const VIEWINGS = statement('read-viewings.sql', import.meta.url);

/** How long a save may hold up the event for the other devices. A save that takes longer is written all the same. */
const SAVE_TIMEOUT_MS = 1_500;

/** Where a profile is in a show, by one device's heartbeat; `at` is ISO 8601. */
export interface PlaybackPosition {
  readonly userId: string;
  readonly profileId: string;
  readonly showId: string;
  readonly episodeId: string | undefined;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  readonly state: PlaybackState;
  readonly deviceId: string;
  readonly deviceName: string | undefined;
  readonly at: string;
  readonly autoplayEpisodes: number;
  readonly asked: boolean;
}

type ViewingKey = Pick<PlaybackPosition, 'userId' | 'profileId' | 'showId' | 'deviceId'>;
type ViewingRow = {
  n: number;
  episodeId: string | null;
  state: PlaybackState;
  at: Date;
  autoplayEpisodes: number;
  asked: boolean;
};

/** The newest position of each user, profile and show. Positions that come in together are written in one statement. */
@Injectable()
export class PlaybackStore {
  private readonly saves = new Batcher<PlaybackPosition, boolean>({
    runBatch: (positions) => this.saveAll(positions),
    size: 500,
    concurrency: 2,
    capacity: 50_000,
    isolate: (error) => !isOutage(error),
  });
  private readonly reads = new Batcher<ViewingKey, Viewing | undefined>({
    runBatch: (keys) => this.readAll(keys),
    size: 500,
    concurrency: 1,
    capacity: 50_000,
    isolate: (error) => !isOutage(error),
  });

  constructor(private readonly database: Database) {}

  /**
   * Returns whether the position is now the newest of its show; false when a newer one is stored. Throws within 2 s
   * during an outage.
   */
  save(position: PlaybackPosition): Promise<boolean> {
    return this.saves.add(position);
  }

  /**
   * Returns the viewing of a device's last saved position, on whatever node that was; undefined when another device
   * saved the newest.
   */
  viewing(key: ViewingKey): Promise<Viewing | undefined> {
    return this.reads.add(key);
  }

  private async saveAll(positions: PlaybackPosition[]): Promise<boolean[]> {
    const newest = newestOfEach(positions);
    const rows = newest.map(rowOf);
    const saving = this.database.run<{ newest: number[] }>('routine', SAVE, [JSON.stringify(rows)]);
    const [saved] = await withTimeout(SAVE_TIMEOUT_MS, saving);
    const accepted = new Set(saved?.newest.map((n) => newest[n]));
    return positions.map((position) => accepted.has(position));
  }

  private async readAll(keys: ViewingKey[]): Promise<(Viewing | undefined)[]> {
    const input = keys.map(({ userId, profileId, showId, deviceId }, n) => ({
      n,
      userId,
      profileId,
      showId,
      deviceId,
    }));
    const rows = await this.database.run<ViewingRow>('routine', VIEWINGS, [JSON.stringify(input)]);
    const found = new Map(rows.map((row) => [row.n, row]));
    return keys.map((key, n) => toViewing(key, found.get(n)));
  }
}

/** Field by field: docs/decisions/no-spread-per-event.md. */
function rowOf(position: PlaybackPosition, n: number): PlaybackPosition & { readonly n: number } {
  return {
    n,
    userId: position.userId,
    profileId: position.profileId,
    showId: position.showId,
    episodeId: position.episodeId,
    positionSeconds: position.positionSeconds,
    durationSeconds: position.durationSeconds,
    state: position.state,
    deviceId: position.deviceId,
    deviceName: position.deviceName,
    at: position.at,
    autoplayEpisodes: position.autoplayEpisodes,
    asked: position.asked,
  };
}

/** A position is saved only of a viewing that counts. */
function toViewing({ showId, profileId }: ViewingKey, row: ViewingRow | undefined): Viewing | undefined {
  if (!row) return undefined;
  const { state, autoplayEpisodes, asked } = row;
  const episodeId = row.episodeId ?? undefined;
  return {
    showId,
    profileId,
    episodeId,
    state,
    at: row.at.getTime(),
    watchedSeconds: 0,
    counts: true,
    autoplayEpisodes,
    asked,
  };
}

/** Of the positions that have the same key only the newest is kept. */
export const showKey = ({ userId, profileId, showId }: PlaybackPosition): string =>
  `${userId}\n${profileId}\n${showId}`;

function newestOfEach(positions: readonly PlaybackPosition[]): PlaybackPosition[] {
  const newest = new Map<string, PlaybackPosition>();
  for (const position of positions) {
    const key = showKey(position);
    const other = newest.get(key);
    if (!other || !isOlder(position, other)) newest.set(key, position);
  }
  return [...newest.values()];
}

const isOlder = (a: PlaybackPosition, b: PlaybackPosition): boolean =>
  a.at < b.at || (a.at === b.at && a.deviceId < b.deviceId);
