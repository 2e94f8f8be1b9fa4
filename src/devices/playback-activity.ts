import type { DeviceRef } from './device.js';

/**
 * Which devices somebody is watching just now, and would rather not have disturbed. A port, because the room that knows (playback)
 * and the room that asks (push) do not know each other; app.module.ts binds them.
 */
export interface PlaybackActivity {
  /** The ids of those among `devices` that play. */
  playing(devices: readonly DeviceRef[]): Promise<ReadonlySet<string>>;
}
