const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Returns whether JSON text is nested deeper than `max` levels. Reads bytes only, so that hostile nesting is never parsed. */
export function jsonDeeperThan(json: Uint8Array, max: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (quoted) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > max) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}

/** Returns the same for a parsed value, without visiting anything below level `max`. */
export function valueDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (max === 0) return true;
  for (const inner of Object.values(value)) if (valueDeeperThan(inner, max - 1)) return true;
  return false;
}
