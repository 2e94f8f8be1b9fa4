/** As many calls at once as the connections of a lane take. */
const AT_ONCE = 20;

/** Makes the same call so many times, many at once, and returns what each came to. */
export async function repeat<T>(times: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < times) {
    const length = Math.min(AT_ONCE, times - all.length);
    all.push(...(await Promise.all(Array.from({ length }, make))));
  }
  return all;
}
