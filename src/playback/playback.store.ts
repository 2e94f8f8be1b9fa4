import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/scheduling/batcher.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { statement } from '../platform/postgres/statement.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import type { PlaybackState, Viewing } from './viewing.js';

const SAVE = statement('save-positions.sql', import.meta.url);
const VIEWINGS = statement('read-viewings.sql', import.meta.url);

/** A link that went silent must not hold up what devices tell each other; what is written late is written all the same. */
const SAVE_MS = 1_500;

/** Where a profile stands in a show, as one device said it. */
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

type Place = Pick<PlaybackPosition, 'userId' | 'profileId' | 'showId' | 'deviceId'>;
type Remembered = {
  n: number;
  episodeId: string | null;
  state: PlaybackState;
  at: Date;
  autoplayEpisodes: number;
  asked: boolean;
};

/** Newest `at` wins. Beats that arrive together are written together. */
@Injectable()
export class PlaybackStore {
  private readonly saves = new Batcher<PlaybackPosition, boolean>({
    runBatch: (positions) => this.saveAll(positions),
    size: 500,
    concurrency: 2,
    capacity: 50_000,
    isolate: (error) => !isOutage(error),
  });
  private readonly reads = new Batcher<Place, Viewing | undefined>({
    runBatch: (places) => this.viewings(places),
    size: 500,
    concurrency: 1,
    capacity: 50_000,
  });

  constructor(private readonly database: Database) {}

  /** Whether the position is now the newest of its show; false when a newer one stands. Throws an outage within 2 s. */
  save(position: PlaybackPosition): Promise<boolean> {
    return this.saves.add(position);
  }

  /** The viewing that a device was in when it was last heard, on whatever node. */
  viewing(place: Place): Promise<Viewing | undefined> {
    return this.reads.add(place);
  }

  private async saveAll(positions: PlaybackPosition[]): Promise<boolean[]> {
    const newest = newestOfEach(positions);
    const rows = newest.map((position, n) => ({ n, ...position }));
    const saving = this.database.run<{ newest: number[] }>('routine', SAVE, [JSON.stringify(rows)]);
    const [saved] = await withTimeout(SAVE_MS, saving);
    const winners = new Set(saved?.newest.map((n) => newest[n]));
    return positions.map((position) => winners.has(position));
  }

  private async viewings(places: Place[]): Promise<(Viewing | undefined)[]> {
    const input = places.map(({ userId, profileId, showId, deviceId }, n) => ({
      n,
      userId,
      profileId,
      showId,
      deviceId,
    }));
    const rows = await this.database.run<Remembered>('routine', VIEWINGS, [JSON.stringify(input)]);
    const found = new Map(rows.map((row) => [row.n, row]));
    return places.map((place, n) => remembered(place, found.get(n)));
  }
}

/** A position that was saved is of a viewing that counts. */
function remembered({ showId, profileId }: Place, row: Remembered | undefined): Viewing | undefined {
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

function newestOfEach(positions: readonly PlaybackPosition[]): PlaybackPosition[] {
  const newest = new Map<string, PlaybackPosition>();
  for (const position of positions) {
    const key = `${position.userId}\n${position.profileId}\n${position.showId}`;
    const other = newest.get(key);
    if (!other || !isOlder(position, other)) newest.set(key, position);
  }
  return [...newest.values()];
}

const isOlder = (a: PlaybackPosition, b: PlaybackPosition): boolean =>
  a.at < b.at || (a.at === b.at && a.deviceId < b.deviceId);
