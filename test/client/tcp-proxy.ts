import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy between devices and a node, that a test can break. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private readonly textsToDrop: string[] = [];
  private isUp = true;

  private constructor(
    private readonly server: Server,
    private target: URL,
  ) {
    server.on('connection', (device) => this.forward(device));
  }

  static async start(targetUrl: string): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, new URL(targetUrl));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** New connections are forwarded there from now on. */
  setTarget(url: string): void {
    this.target = new URL(url);
  }

  /** Breaks every connection, and every new one until `restore`. */
  cut(): void {
    this.isUp = false;
    for (const socket of this.sockets) socket.destroy();
  }

  restore(): void {
    this.isUp = true;
  }

  /** Drops the next chunk from the node that contains this text. */
  dropNext(text: string): void {
    this.textsToDrop.push(text);
  }

  /** True once everything that `dropNext` named was dropped. */
  get hasDroppedAll(): boolean {
    return this.textsToDrop.length === 0;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private forward(device: Socket): void {
    if (!this.isUp) return void device.destroy();
    const node = connect(Number(this.target.port), this.target.hostname);
    node.on('data', (bytes: Buffer) => void (this.shouldDrop(bytes) || device.write(bytes)));
    device.on('data', (bytes: Buffer) => void node.write(bytes));
    for (const [socket, other] of [
      [device, node],
      [node, device],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }

  private shouldDrop(bytes: Buffer): boolean {
    const index = this.textsToDrop.findIndex((text) => bytes.includes(text));
    if (index >= 0) this.textsToDrop.splice(index, 1);
    return index >= 0;
  }
}
