import { type FaultProxy, proxyDatabase } from '../infrastructure/fault-proxy.js';
import { startUsher, type TestUsher } from './usher.js';

/** Two nodes of one installation. */
export interface NodeBehindProxy {
  /** It reaches PostgreSQL whatever the proxy does. */
  readonly usher: TestUsher;
  /** The node whose connection to PostgreSQL can be cut, by the proxy. */
  readonly node: TestUsher;
  readonly proxy: FaultProxy;
  stop(): Promise<void>;
}

/** Starts them, both with these settings. */
export async function startNodeBehindProxy(settings: Record<string, string> = {}): Promise<NodeBehindProxy> {
  const usher = await startUsher(settings);
  const { proxy, url } = await proxyDatabase(usher.database.url);
  const node = await usher.another({ DATABASE_URL: url });
  const stop = async () => {
    await usher.stop();
    await proxy.close();
  };
  return { usher, node, proxy, stop };
}
