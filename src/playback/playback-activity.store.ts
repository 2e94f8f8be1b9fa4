import { Inject, Injectable } from '@nestjs/common';
import type { PlaybackActivity } from '../devices/playback-activity.js';
import type { DeviceRef } from '../devices/device.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Database } from '../platform/postgres/database.js';
import { statement } from '../platform/postgres/statement.js';

const PLAYING = statement('read-playing-devices.sql', import.meta.url);
/** A device that plays beats once in this time; one beat may be lost. */
const BEATS = 2;

/** Who sits before a playing screen. */
@Injectable()
export class PlaybackActivityStore implements PlaybackActivity {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async playing(devices: readonly DeviceRef[]): Promise<ReadonlySet<string>> {
    const asked = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    const withinSeconds = BEATS * this.config.HEARTBEAT_SECONDS;
    const rows = await this.database.run<{ deviceId: string }>('important', PLAYING, [
      JSON.stringify(asked),
      withinSeconds,
    ]);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }
}
