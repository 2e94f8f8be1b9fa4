type Hook = (name: 'online', act: () => void) => void;

/** Calls back when a browser says that the network is there again. Elsewhere nobody says so, and nothing happens. */
export function onNetworkBack(act: () => void): () => void {
  const host = globalThis as unknown as { addEventListener?: Hook; removeEventListener?: Hook };
  host.addEventListener?.('online', act);
  return () => host.removeEventListener?.('online', act);
}
