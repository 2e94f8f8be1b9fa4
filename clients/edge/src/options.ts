/** What an edge node says of itself. */
export interface EdgeOptions {
  /** Where Usher is: `https://usher.example.com`. */
  readonly url: string;
  /** A service key with the scope `edge`. */
  readonly key: string;
  /** The node's name, 1 to 64 of `A-Z a-z 0-9 _ . : -`: stops for streams that were begun under it come here. */
  readonly edgeId: string;
  /** Told of what goes wrong and is tried again: `(what, error) => …`. Never given a key or a lease. */
  readonly onTrouble?: (what: string, error: unknown) => void;
}

/** What Usher answers in at most; an edge node cannot wait longer with somebody watching. */
export const ANSWER_MS = 6_000;
