/** Called to stop listening. Calling it twice does no harm. */
export type Unsubscribe = () => void;

type Listener = (value: never) => void;

/** Who listens to what. One listener that throws keeps nothing from the others, nor the position from moving. */
export class Listeners {
  private readonly byName = new Map<string, Set<Listener>>();

  on(name: string, listener: Listener): Unsubscribe {
    // Wrapped, so that the same function given twice is two listeners with two ways to stop.
    const own: Listener = (value) => listener(value);
    const all = this.byName.get(name) ?? new Set();
    this.byName.set(name, all.add(own));
    return () => void all.delete(own);
  }

  tell(name: string, value: unknown): void {
    // A copy: one that is added meanwhile hears the next event, not this one.
    for (const listener of Array.from(this.byName.get(name) ?? [])) {
      try {
        listener(value as never);
      } catch (error) {
        this.complain(error, name);
      }
    }
  }

  /** To the `error` listeners; with none, to the console, because an app's bug must not vanish in here. */
  complain(error: unknown, during?: string): void {
    const heard = during !== 'error' && (this.byName.get('error')?.size ?? 0) > 0;
    if (heard) this.tell('error', error);
    // oxlint-disable-next-line no-console -- a library has no log of its own
    else console.error(error);
  }
}
