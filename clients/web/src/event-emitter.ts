/** Removes a listener. Calling it twice does no harm. */
export type Unsubscribe = () => void;

type Listener = (value: never) => void;

/** Calls listeners by name. A listener that throws affects neither the other listeners nor the caller. */
export class EventEmitter {
  private readonly listeners = new Map<string, Set<Listener>>();

  on(name: string, listener: Listener): Unsubscribe {
    // Wrapped, so that a function that is added twice counts as two listeners.
    const added: Listener = (value) => listener(value);
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(added));
    return () => void all.delete(added);
  }

  /** Calls the listeners of this name. Does not throw. */
  emit(name: string, value: unknown): void {
    // A copy: a listener that is added meanwhile receives the next value, not this one.
    for (const listener of Array.from(this.listeners.get(name) ?? [])) {
      try {
        listener(value as never);
      } catch (error) {
        this.emitError(error, name);
      }
    }
  }

  /**
   * Passes an error to the `error` listeners. Without any it goes to the console: a bug in the app must not disappear here.
   * @param source name of the listener that threw; an error in an `error` listener goes to the console
   */
  emitError(error: unknown, source?: string): void {
    const hasListener = source !== 'error' && (this.listeners.get('error')?.size ?? 0) > 0;
    if (hasListener) this.emit('error', error);
    // oxlint-disable-next-line no-console -- a library has no log of its own
    else console.error(error);
  }
}
