/** Returns the value of the longest key that the text begins with; undefined when it begins with none. */
export function longestPrefix<Value>(text: string, byPrefix: ReadonlyMap<string, Value>): Value | undefined {
  for (let length = text.length; length > 0; length -= 1) {
    const found = byPrefix.get(text.slice(0, length));
    if (found !== undefined) return found;
  }
  return undefined;
}
