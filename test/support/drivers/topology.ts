import { startUsher, type TestUsher } from './usher.js';

/** The fleet of docker-compose.yml as plain processes. */
export interface Topology {
  readonly gateways: readonly [TestUsher, TestUsher];
  /** The roles `api` and `worker`. */
  readonly api: TestUsher;
  stop(): Promise<void>;
}

export async function startTopology(environment: Record<string, string> = {}): Promise<Topology> {
  const api = await startUsher({ ...environment, ROLES: 'api,worker' });
  const gateways = [
    await api.another({ ...environment, ROLES: 'gateway' }),
    await api.another({ ...environment, ROLES: 'gateway' }),
  ] as const;
  return { gateways, api, stop: () => api.stop() };
}

/** How many devices a node holds. */
export async function connections(node: TestUsher): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  return Number(/^usher_connections (\d+)$/m.exec(metrics)?.[1] ?? 0);
}
