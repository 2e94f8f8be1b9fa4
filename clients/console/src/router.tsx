import { type AnchorHTMLAttributes, type MouseEvent, useEffect, useSyncExternalStore } from 'react';

/** Everything that the console shows is below this path. */
const BASE = '/console';
const CHANGED = 'usher:navigated';

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener('popstate', listener);
    window.removeEventListener(CHANGED, listener);
  };
}

const location = (): string => window.location.pathname.slice(BASE.length) + window.location.search;

/** The place in the console: the parts of the path, decoded, and the query. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

/** Returns where the console is. */
export function usePlace(): Place {
  const [path = '', query = ''] = useSyncExternalStore(subscribe, location).split('?');
  return { parts: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Goes to another place in the console, as `/users/ann`; with `replace` one cannot go back to the present one. */
export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  window.history[`${how}State`](null, '', BASE + to);
  window.dispatchEvent(new Event(CHANGED));
  window.scrollTo(0, 0);
}

/** Replaces the query of the present place. */
export function replaceQuery(query: URLSearchParams): void {
  const text = String(query);
  window.history.replaceState(null, '', window.location.pathname + (text && `?${text}`));
  window.dispatchEvent(new Event(CHANGED));
}

/** A link to another place in the console. */
export function Link({ to, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={BASE + to} onClick={onClick} />;
}

/** Sets the title of the window. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Usher`;
  }, [title]);
}
