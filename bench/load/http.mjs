/* A keep-alive HTTP/1.1 connection with one request at a time, as cheap as it gets. Knows Content-Length and chunked answers. */
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('0\r\n\r\n');

export class HttpConnection {
  data = null;
  waiting = null;

  constructor(port) {
    this.port = port;
    this.tcp = connect({ host: '127.0.0.1', port });
    this.tcp.setNoDelay(true);
    this.tcp.on('data', (chunk) => this.read(chunk));
    this.tcp.on('error', (error) => this.fail(error));
    this.tcp.on('close', () => this.fail(new Error('the connection was closed')));
  }

  get busy() {
    return this.waiting !== null;
  }

  /** Gives `{ status, body }`; rejects when the connection ends. */
  request(method, path, { key, body, type = 'application/json', requestId } = {}) {
    const payload = body === undefined ? null : Buffer.from(body);
    const head =
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n` +
      (key ? `Authorization: Bearer ${key}\r\n` : '') +
      (requestId ? `X-Request-Id: ${requestId}\r\n` : '') +
      (payload ? `Content-Type: ${type}\r\nContent-Length: ${payload.length}\r\n\r\n` : '\r\n');
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.tcp.cork();
      this.tcp.write(head);
      if (payload) this.tcp.write(payload);
      this.tcp.uncork();
    });
  }

  /** Sends a body part by part, waiting for the server to take them; `parts` gives buffers. */
  async upload(path, { key, type, parts }) {
    const answer = new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
    this.tcp.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\nAuthorization: Bearer ${key}\r\n` +
        `Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (const part of parts) {
      this.tcp.cork();
      this.tcp.write(`${part.length.toString(16)}\r\n`);
      this.tcp.write(part);
      const taken = this.tcp.write('\r\n');
      this.tcp.uncork();
      if (!taken) await new Promise((resolve) => this.tcp.once('drain', resolve));
    }
    this.tcp.write('0\r\n\r\n');
    return answer;
  }

  close() {
    this.waiting = null;
    this.tcp.resetAndDestroy();
  }

  read(chunk) {
    this.data = this.data ? Buffer.concat([this.data, chunk]) : chunk;
    const head = this.data.indexOf(HEAD_END);
    if (head < 0) return;
    const text = this.data.latin1Slice(0, head);
    const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    const start = head + 4;
    if (length !== undefined) {
      if (this.data.length >= start + Number(length)) this.done(text, start, start + Number(length));
    } else if (this.data.subarray(-5).equals(CHUNKS_END)) this.done(text, start, this.data.length - 5);
  }

  done(head, start, end) {
    const body = this.data.toString('utf8', start, end);
    this.data = null;
    const { waiting } = this;
    this.waiting = null;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  fail(error) {
    const { waiting } = this;
    this.waiting = null;
    waiting?.reject(error);
  }
}
