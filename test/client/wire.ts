import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The network between a device and a node, in a test's hands. */
export class Wire {
  private readonly ends = new Set<Socket>();
  private readonly unwanted: string[] = [];
  private up = true;

  private constructor(
    private readonly server: Server,
    private target: URL,
  ) {
    server.on('connection', (device) => this.join(device));
  }

  static async to(url: string): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server, new URL(url));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Whether nothing that was to be swallowed is still awaited. */
  get swallowed(): boolean {
    return this.unwanted.length === 0;
  }

  /** New connections go there from now on. */
  leadTo(url: string): void {
    this.target = new URL(url);
  }

  /** Breaks every connection; until `mend` none holds. */
  cut(): void {
    this.up = false;
    for (const end of this.ends) end.destroy();
  }

  mend(): void {
    this.up = true;
  }

  /** Loses the next thing that the node sends with this text in it, as a faulty node would. */
  swallow(text: string): void {
    this.unwanted.push(text);
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(device: Socket): void {
    if (!this.up) return void device.destroy();
    const node = connect(Number(this.target.port), this.target.hostname);
    node.on('data', (bytes: Buffer) => void (this.isUnwanted(bytes) || device.write(bytes)));
    device.on('data', (bytes: Buffer) => void node.write(bytes));
    for (const [end, other] of [
      [device, node],
      [node, device],
    ] as const) {
      this.ends.add(end);
      end.on('error', () => other.destroy());
      end.on('close', () => {
        this.ends.delete(end);
        other.destroy();
      });
    }
  }

  private isUnwanted(bytes: Buffer): boolean {
    const found = this.unwanted.findIndex((text) => bytes.includes(text));
    if (found >= 0) this.unwanted.splice(found, 1);
    return found >= 0;
  }
}
