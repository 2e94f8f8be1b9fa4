import type { RawZone } from '../../../src/warehouse/files/raw-zone.js';

/** The nth PUT dies, before it did anything, or after it, as a process that is killed just then. */
export function dyingZone(zone: RawZone, n: number, when: 'before' | 'after'): RawZone {
  let puts = 0;
  return {
    description: zone.description,
    read: (path) => zone.read(path),
    has: (path) => zone.has(path),
    async put(path, bytes) {
      puts += 1;
      if (puts > n) throw new Error('it is dead');
      if (puts === n && when === 'before') throw new Error('it is killed');
      await zone.put(path, bytes);
      if (puts === n) throw new Error('it is killed');
    },
  };
}

/** A zone in which the first put of a path that `isHeld` waits until it is released. */
export function gatedZone(zone: RawZone, isHeld: (path: string) => boolean) {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let waits = false;
  const gated: RawZone = {
    description: zone.description,
    read: (path) => zone.read(path),
    has: (path) => zone.has(path),
    async put(path, bytes) {
      if (isHeld(path)) {
        waits = true;
        await released;
      }
      await zone.put(path, bytes);
    },
  };
  return { zone: gated, release, waits: () => waits };
}
