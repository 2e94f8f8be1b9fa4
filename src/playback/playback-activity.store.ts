import { Inject, Injectable } from '@nestjs/common';
import type { PlaybackActivity } from '../devices/playback-activity.js';
import { deviceKey, type DeviceRef } from '../devices/device.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Database } from '../platform/postgres/database.js';
import { statement } from '../platform/postgres/statement.js';

const PLAYING = statement('read-playing-devices.sql', import.meta.url);
/** A device that sent no heartbeat for two intervals counts as stopped: one may be lost. */
const HEARTBEAT_INTERVALS = 2;

/** Finds out which devices play something now, from their saved positions. */
@Injectable()
export class PlaybackActivityStore implements PlaybackActivity {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns the keys (deviceKey) of those devices that play. */
  async playing(devices: readonly DeviceRef[]): Promise<ReadonlySet<string>> {
    const input = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    const withinSeconds = HEARTBEAT_INTERVALS * this.config.HEARTBEAT_SECONDS;
    const rows = await this.database.run<DeviceRef>('important', PLAYING, [
      JSON.stringify(input),
      withinSeconds,
    ]);
    return new Set(rows.map(deviceKey));
  }
}
