import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, call } from './api.js';
import { useSignedOut } from './signed-out.js';

/** What a page knows of a resource: what was read last, and why the last attempt failed. */
export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  /** Reads it again now. */
  readonly reload: () => void;
}

interface Known<T> {
  readonly path: string | undefined;
  readonly data?: T;
  readonly error?: ApiError;
}

/**
 * Reads the resource at `path`, and again every `everyMs` while the page is visible: one read begins when the one before has ended. An
 * undefined path reads nothing. Without a session the person is asked to sign in.
 */
export function useApi<T>(path: string | undefined, everyMs?: number): Resource<T> {
  const [known, setKnown] = useState<Known<T>>({ path });
  const signedOut = useSignedOut();
  const read = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === undefined) return undefined;
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    const readOnce = async () => {
      clearTimeout(timer);
      if (isReading) return;
      isReading = true;
      try {
        const data = await call<T>(path, { signal: stopped.signal });
        setKnown({ path, data });
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (error instanceof ApiError && error.status === 401) return signedOut();
        const shown = error instanceof ApiError ? error : new ApiError(0, 'internal', String(error));
        setKnown((before) => ({ ...(before.path === path && before), path, error: shown }));
      } finally {
        isReading = false;
      }
      if (everyMs !== undefined && !document.hidden) timer = setTimeout(() => void readOnce(), everyMs);
    };
    const onVisible = () => {
      if (!document.hidden && everyMs !== undefined) void readOnce();
    };
    read.current = () => void readOnce();
    document.addEventListener('visibilitychange', onVisible);
    void readOnce();
    return () => {
      stopped.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [path, everyMs, signedOut]);

  const reload = useCallback(() => read.current(), []);
  const isCurrent = known.path === path;
  return { data: isCurrent ? known.data : undefined, error: isCurrent ? known.error : undefined, reload };
}
