import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A TCP proxy on the loopback, between a client and a node, that a test can break. It counts what passes. */
export class TcpProxy {
  #sockets = new Set();
  #textsToDrop = [];
  #isUp = true;
  #server;
  #target;

  /** Bytes from the client to the node, and from the node to the client, since the start. */
  bytes = { toNode: 0, toClient: 0 };
  /** Connections that clients have opened, those that were broken at once included. */
  connections = 0;

  constructor(server, target) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#forward(client));
  }

  /** Listens on a free port. `onText`, if given, is called with each chunk from the node as Latin-1 text. */
  static async start(targetUrl, onText) {
    const server = createServer();
    const proxy = new TcpProxy(server, new URL(targetUrl));
    proxy.onText = onText;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** New connections are forwarded there from now on. */
  setTarget(url) {
    this.#target = new URL(url);
  }

  /** Breaks every connection, and every new one until `restore`. */
  cut() {
    this.#isUp = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore() {
    this.#isUp = true;
  }

  /** Drops the next chunk from the node that contains this text. */
  dropNext(text) {
    this.#textsToDrop.push(text);
  }

  /** True once everything that `dropNext` named was dropped. */
  get hasDroppedAll() {
    return this.#textsToDrop.length === 0;
  }

  close() {
    this.cut();
    this.#server.close();
  }

  #forward(client) {
    this.connections += 1;
    if (!this.#isUp) {
      client.on('error', () => {}).destroy();
      return;
    }
    const node = connect(Number(this.#target.port), this.#target.hostname);
    node.on('data', (bytes) => {
      if (this.#shouldDrop(bytes)) return;
      this.bytes.toClient += bytes.length;
      this.onText?.(bytes.toString('latin1'));
      client.write(bytes);
    });
    client.on('data', (bytes) => {
      this.bytes.toNode += bytes.length;
      node.write(bytes);
    });
    for (const [socket, other] of [
      [client, node],
      [node, client],
    ]) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }

  #shouldDrop(bytes) {
    const index = this.#textsToDrop.findIndex((text) => bytes.includes(text));
    if (index >= 0) this.#textsToDrop.splice(index, 1);
    return index >= 0;
  }
}
