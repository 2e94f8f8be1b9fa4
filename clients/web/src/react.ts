// `@usher/client/react`: hooks for React 18 and newer.
import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react';
import type { UsherClient } from './client.js';
import type { Envelope, EventOf } from './envelope.js';
import type { UsherEvents } from './events.js';
import type { State } from './state.js';

const UsherContext = createContext<UsherClient | undefined>(undefined);

/** Gives the hooks below it their client. Whoever made the client closes it. */
export function UsherProvider(props: {
  readonly client: UsherClient;
  readonly children?: ReactNode;
}): ReactElement {
  return createElement(UsherContext.Provider, { value: props.client }, props.children);
}

/** Returns the client of the nearest {@link UsherProvider}. Throws an Error if there is none. */
export function useUsher(): UsherClient {
  const client = useContext(UsherContext);
  if (!client) throw new Error('useUsher needs an UsherProvider above it');
  return client;
}

/**
 * Returns the state, or what `select` takes from it, and renders again when that changes (compared by `Object.is`; parts of the
 * state stay the same object until they change).
 */
export function useUsherState(): State;
export function useUsherState<Selected>(select: (state: State) => Selected): Selected;
export function useUsherState(select: (state: State) => unknown = (state) => state): unknown {
  const client = useUsher();
  const subscribe = useCallback((onChange: () => void) => client.on('change', onChange), [client]);
  // A selector that makes a new object each time must not look like a change each time.
  const last = useRef<{ state: State; select: unknown; selected: unknown }>(undefined);
  const getSelected = () => {
    const { state } = client;
    if (last.current?.state !== state || last.current.select !== select)
      last.current = { state, select, selected: select(state) };
    return last.current.selected;
  };
  return useSyncExternalStore(subscribe, getSelected, getSelected);
}

/**
 * Calls the newest `listener` for each event of this type while the component is mounted. It is for what happens once, as a
 * toast; what is shown for longer is in the state. Events from before the component was mounted are not repeated.
 */
export function useUsherEvent<Type extends keyof UsherEvents>(
  type: Type,
  listener: (event: EventOf<Type>) => void,
): void;
export function useUsherEvent(type: string, listener: (event: Envelope) => void): void;
export function useUsherEvent(type: string, listener: (event: never) => void): void {
  const client = useUsher();
  const newest = useRef(listener);
  useEffect(() => void (newest.current = listener));
  useEffect(() => client.on(type, (event) => newest.current(event as never)), [client, type]);
}
