import { Inject, Injectable } from '@nestjs/common';
import type { Attention } from '../devices/attention.js';
import type { Owned } from '../devices/device.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Database } from '../platform/postgres/database.js';
import { statement } from '../platform/postgres/statement.js';

const PLAYING = statement('playing.sql', import.meta.url);
/** A device that plays beats once in this time; one beat may be lost. */
const BEATS = 2;

/** Who sits before a playing screen. */
@Injectable()
export class WatchingStore implements Attention {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async playing(devices: readonly Owned[]): Promise<ReadonlySet<string>> {
    const asked = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    const withinSeconds = BEATS * this.config.HEARTBEAT_SECONDS;
    const rows = await this.database.run<{ deviceId: string }>('important', PLAYING, [
      JSON.stringify(asked),
      withinSeconds,
    ]);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }
}
