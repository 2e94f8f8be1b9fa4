/**
 * Returns campaigns or digests in the order in which their turns come: by their names, beginning after the one whose turn was last, so that none is always
 * the first to take what a budget allows.
 */
export function inTurn<T extends { readonly name: string }>(all: readonly T[], last: string): T[] {
  const byName = all.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return [...byName.filter(({ name }) => name > last), ...byName.filter(({ name }) => name <= last)];
}
