import { startUsher, type TestUsher } from './usher.js';

/** The nodes of docker-compose.yml as plain processes. */
export interface Topology {
  readonly gateways: readonly [TestUsher, TestUsher];
  /** The node with the roles `api` and `worker`. */
  readonly api: TestUsher;
  stop(): Promise<void>;
}

/** Starts two gateways and an API node on one new database. */
export async function startTopology(environment: Record<string, string> = {}): Promise<Topology> {
  const api = await startUsher({ ...environment, ROLES: 'api,worker' });
  const gateways = [
    await api.another({ ...environment, ROLES: 'gateway' }),
    await api.another({ ...environment, ROLES: 'gateway' }),
  ] as const;
  return { gateways, api, stop: () => api.stop() };
}
