import { useEffect, useState } from 'react';
import { ApiError } from '../api/api.js';
import { useSignedOut } from '../api/signed-out.js';

/** A minute, and how often each kind of thing was done in it. */
export interface LiveMinute {
  readonly at: string;
  readonly counts: readonly { readonly kind: string; readonly people: number; readonly machines: number }[];
}
interface Update {
  readonly version: number;
  readonly buckets: readonly LiveMinute[];
}

/** What is known of the last hour: by minute, then by kind. */
export type LiveHour = ReadonlyMap<string, ReadonlyMap<string, number>>;

const HOUR_MS = 3_600_000;
const RETRY_MS = 3_000;

/** Returns the hour with what has changed. */
export function merged(hour: LiveHour, buckets: readonly LiveMinute[], now: number): LiveHour {
  const from = new Date(now - HOUR_MS).toISOString();
  const next = new Map([...hour].filter(([at]) => at >= from));
  for (const { at, counts } of buckets) {
    const kinds = new Map(next.get(at));
    for (const { kind, people } of counts) kinds.set(kind, people);
    next.set(at, kinds);
  }
  return next;
}

/** Watches what people do; connects again after an interruption, and goes on where it was. */
export function useLiveHour(path: string): { hour: LiveHour; isLive: boolean; error: ApiError | undefined } {
  const [hour, setHour] = useState<LiveHour>(new Map());
  const [isLive, setLive] = useState(false);
  const [error, setError] = useState<ApiError>();
  const signedOut = useSignedOut();
  useEffect(() => {
    const stopping = new AbortController();
    let version = 0;
    setHour(new Map());
    const watch = async () => {
      while (!stopping.signal.aborted) {
        try {
          for await (const update of updatesOf(path, version, stopping.signal)) {
            version = update.version;
            setLive(true);
            setError(undefined);
            setHour((before) => merged(before, update.buckets, Date.now()));
          }
        } catch (failure) {
          if (stopping.signal.aborted) return;
          if (failure instanceof ApiError && failure.status === 401) return signedOut();
          if (failure instanceof ApiError) setError(failure);
        }
        setLive(false);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void watch();
    return () => stopping.abort();
  }, [path, signedOut]);
  return { hour, isLive, error };
}

/** Server-Sent Events by fetch: a browser's EventSource cannot send the header that says that the call comes from this page. */
async function* updatesOf(path: string, version: number, signal: AbortSignal): AsyncGenerator<Update> {
  const headers = { 'X-Usher-Console': '1', 'Last-Event-ID': String(version) };
  const response = await fetch(path, { headers, signal, cache: 'no-store' });
  if (!response.ok || !response.body) {
    const { code = 'internal', detail = '' } = (await response.json()) as Record<string, string>;
    throw new ApiError(response.status, code, detail);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Update;
    }
  }
}
