export class TcpProxy {
  private constructor();
  static start(targetUrl: string, onText?: (text: string) => void): Promise<TcpProxy>;
  readonly url: string;
  readonly bytes: { toNode: number; toClient: number };
  readonly connections: number;
  readonly hasDroppedAll: boolean;
  setTarget(url: string): void;
  cut(): void;
  restore(): void;
  dropNext(text: string): void;
  close(): void;
}
