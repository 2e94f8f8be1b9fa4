/**
 * Types that make no sense on a lock screen: the question is for somebody who sits before a playing screen, and a stream of a device
 * that sleeps ends with its lease.
 */
export const NEVER_PUSHED: readonly string[] = ['playback.still_watching', 'stream.stop'];
