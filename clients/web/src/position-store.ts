import { parsePosition, type StoredPosition } from './cursor.js';
import { isOffset, isRecord } from './validation.js';

/** Where positions are stored: `localStorage`, or anything with the same methods. */
export interface PositionStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/**
 * Stores how far this device has read, per server, user and device. The next user who signs in on the same device must not
 * inherit a position, or they would miss their own events.
 */
export class PositionStore {
  constructor(
    private readonly storage: PositionStorage,
    private readonly url: string,
    private readonly deviceId: string,
  ) {}

  /** Returns the user's position. Undefined if there is none or it cannot be read: a wrong position is worse than none. */
  load(userId: string): StoredPosition | undefined {
    try {
      return parseStored(JSON.parse(this.storage.getItem(this.getName(userId)) ?? 'null'));
    } catch {
      return undefined;
    }
  }

  /** Returns false if the storage is full or forbidden. Events may then repeat after a restart, which is better than losing them. */
  save(userId: string, { epoch, offset, broadcast }: StoredPosition): boolean {
    try {
      this.storage.setItem(this.getName(userId), JSON.stringify({ epoch, offset, broadcast }));
      return true;
    } catch {
      return false;
    }
  }

  // User ids may contain the separator. Unescaped, user `a:b` on device `c` would share a name with user `a` on device `b:c`.
  private getName(userId: string): string {
    return ['usher', 'position', this.url, userId, this.deviceId].map(encodeURIComponent).join(':');
  }
}

/** A number that cannot be read is left out: then all that is said to everyone comes again. */
function parseStored(value: unknown): StoredPosition | undefined {
  const position = parsePosition(value);
  return position && isRecord(value) && isOffset(value['broadcast'])
    ? { ...position, broadcast: value['broadcast'] }
    : position;
}

/** Returns `localStorage` if it exists and may be used (a private window may forbid it), else a storage in memory. */
export function getDefaultStorage(): PositionStorage {
  try {
    const storage: unknown = Reflect.get(globalThis, 'localStorage');
    if (isStorage(storage)) return storage;
  } catch {
    // Access is denied: use memory.
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
