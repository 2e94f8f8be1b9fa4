import type { DeviceRef } from './device.js';

/**
 * Which devices play at the moment, so that push can wait until nobody who watches is disturbed. Implemented by playback, which push must
 * not import; bound in app.module.ts.
 */
export interface PlaybackActivity {
  /** Returns the keys (deviceKey) of those among `devices` that play at the moment. */
  playing(devices: readonly DeviceRef[]): Promise<ReadonlySet<string>>;
}

/** Injection token of PlaybackActivity. */
export const PLAYBACK_ACTIVITY = Symbol('PLAYBACK_ACTIVITY');
