/** One server of the cluster. `start` brings a killed one back as the one it was. */
export interface ClusterServer {
  readonly port: number;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

export interface RedisCluster {
  /** For REDIS_URL. */
  readonly url: string;
  /** The masters first. */
  readonly servers: readonly ClusterServer[];
  stop(): Promise<void>;
}

/** Why there can be no cluster on this machine, or undefined. */
export function noCluster(): string | undefined;
export function startRedisCluster(options?: { masters?: number; replicas?: number }): Promise<RedisCluster>;
