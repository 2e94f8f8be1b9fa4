export class NodePool {
  start(): Promise<string>;
  stop(): Promise<void>;
}
