import { useSyncExternalStore } from 'react';

const EVERY_MS = 5_000;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  const timer = setInterval(() => {
    now = Date.now();
    listener();
  }, EVERY_MS);
  return () => clearInterval(timer);
}

/** Returns the time in ms since 1970, which moves on every five seconds. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);
