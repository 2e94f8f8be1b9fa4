import { useState } from 'react';
import { ApiError, call, segment } from './api.js';
import { useApi } from './use-api.js';

/** A list as far as it was read. */
export interface Pages<Item> {
  readonly items: readonly Item[] | undefined;
  readonly error: ApiError | undefined;
  /** Whether the first page is read again and again; not once further ones were asked for. */
  readonly isLive: boolean;
  /** Reads the next page; undefined at the end of the list. */
  readonly readMore: (() => void) | undefined;
  /** Forgets all pages but the first, and reads that again. */
  readonly goLive: () => void;
}

/** How a list is read. */
export interface PagesOptions {
  /** What the response calls the items, as `webhooks`. */
  readonly list: string;
  /** What the cursor is called: `before` in lists that begin with the newest. */
  readonly cursor?: 'before' | 'after';
  /** How often the first page is read, in milliseconds. */
  readonly everyMs?: number;
}

interface Further<Item> {
  readonly path: string;
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

type Page<Item> = { readonly next?: string } & { readonly [list: string]: readonly Item[] };

/** Reads a list in pages; `path` has a query. The first page is read again every `everyMs`, until further ones are asked for. */
export function usePages<Item>(
  path: string,
  { list, cursor = 'before', everyMs = 5_000 }: PagesOptions,
): Pages<Item> {
  const [kept, setFurther] = useState<Further<Item>>();
  const [error, setError] = useState<ApiError>();
  const further = kept?.path === path ? kept : undefined;
  const first = useApi<Page<Item>>(path, further ? undefined : everyMs);

  const next = further ? further.next : first.data?.next;
  const readMore = async (before: string) => {
    try {
      const page = await call<Page<Item>>(`${path}&${cursor}=${segment(before)}`);
      setFurther({ path, items: [...(further?.items ?? []), ...(page[list] ?? [])], next: page.next });
      setError(undefined);
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError(0, 'internal', String(failure)));
    }
  };
  return {
    items: first.data && [...(first.data[list] ?? []), ...(further?.items ?? [])],
    error: first.error ?? error,
    isLive: further === undefined,
    readMore: next === undefined ? undefined : () => void readMore(next),
    goLive: () => {
      setFurther(undefined);
      first.reload();
    },
  };
}
