/** A Redis in a process of its own; `exited` resolves when it has ended. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly kind: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export function startValkey(options?: { port?: number }): Promise<RedisServer>;
export function startRedis(options?: { port?: number }): Promise<RedisServer>;
