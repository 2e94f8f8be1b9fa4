/** The options of an `Edge`. */
export interface EdgeOptions {
  /** Where Usher is: `https://usher.example.com`. */
  readonly url: string;
  /** A service key with the scope `edge`. */
  readonly key: string;
  /** The node's name, 1 to 64 of `A-Z a-z 0-9 _ . : -`. It receives the stops of streams that were started under this name. */
  readonly edgeId: string;
  /** Called with errors that this library recovers from. `action`: what failed. Neither contains a key or a lease. */
  readonly onError?: (action: string, error: unknown) => void;
}

/** Timeout of every request to Usher. A viewer waits for it. */
export const REQUEST_TIMEOUT_MS = 6_000;
