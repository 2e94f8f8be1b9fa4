import type { DeviceRef } from './device.js';

/**
 * Which devices play something just now, so that nobody who watches is disturbed. Push asks and playback knows; app.module.ts binds the
 * two, since neither may import the other.
 */
export interface PlaybackActivity {
  /** The ids of those among `devices` that play. */
  playing(devices: readonly DeviceRef[]): Promise<ReadonlySet<string>>;
}

export const PLAYBACK_ACTIVITY = Symbol('PLAYBACK_ACTIVITY');
