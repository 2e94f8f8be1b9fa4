import { isOffset, isRecord } from './envelope.js';
import type { Position } from './sequence.js';

/** Where positions are kept: `localStorage`, or anything of its shape. */
export interface PositionStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/**
 * Remembers how far this device has read, per server, user and device: whoever signs in next on the same device must
 * not inherit a position, or they would skip what is theirs.
 */
export class Positions {
  constructor(
    private readonly storage: PositionStorage,
    private readonly url: string,
    private readonly deviceId: string,
  ) {}

  /** Undefined also for what cannot be read: a position in doubt is worse than none. */
  load(userId: string): Position | undefined {
    try {
      return readPosition(JSON.parse(this.storage.getItem(this.nameFor(userId)) ?? 'null'));
    } catch {
      return undefined;
    }
  }

  /** False if the storage is full or forbidden. Then events may be heard again after the next start, which is the lesser evil. */
  save(userId: string, position: Position): boolean {
    try {
      this.storage.setItem(
        this.nameFor(userId),
        JSON.stringify({ epoch: position.epoch, offset: position.offset }),
      );
      return true;
    } catch {
      return false;
    }
  }

  // User ids may contain the separator: unescaped, user `a:b` on device `c` would share a name with user `a` on `b:c`.
  private nameFor(userId: string): string {
    return ['usher', 'position', this.url, userId, this.deviceId].map(encodeURIComponent).join(':');
  }
}

export function readPosition(value: unknown): Position | undefined {
  if (!isRecord(value) || typeof value['epoch'] !== 'string' || !isOffset(value['offset'])) return undefined;
  return { epoch: value['epoch'], offset: value['offset'] };
}

/** `localStorage` where there is one that may be used (a private window may forbid it), else memory. */
export function defaultStorage(): PositionStorage {
  try {
    const storage: unknown = Reflect.get(globalThis, 'localStorage');
    if (isStorage(storage)) return storage;
  } catch {
    // Access denied: go on without.
  }
  const memory = new Map<string, string>();
  return {
    getItem: (name) => memory.get(name) ?? null,
    setItem: (name, value) => void memory.set(name, value),
    removeItem: (name) => void memory.delete(name),
  };
}

function isStorage(value: unknown): value is PositionStorage {
  return (
    typeof value === 'object' && value !== null && 'getItem' in value && typeof value.getItem === 'function'
  );
}
