/*
 * A Socket.IO client that costs almost nothing: TCP, the upgrade, `40{auth}`, pongs. Packets are handed on as bytes; whoever
 * wants to know what is in them looks at the few characters that tell. One process holds thousands.
 */
import { connect } from 'node:net';
import { FrameReader, maskedText } from './frames.mjs';

const PONG = maskedText('3');
const [ZERO, TWO, FOUR] = Buffer.from('024');
const HEAD_END = Buffer.from('\r\n\r\n');
// Reads are handled before the next one begins, so all sockets can share one buffer.
const sharedBuffer = Buffer.allocUnsafe(256 * 1024);

/** `onPacket(socket, buffer, start, end)` gets events and acks, from their Socket.IO type on: `2["type",…`, `31[…]`. */
export class SocketIo {
  state = 'connecting';
  reader = null;
  head = null;

  /** `isReady(buffer, start, end)` says which packet ends the handshake; without it `40` does. */
  constructor({ port, auth, onPacket, onGone, isReady }) {
    this.onPacket = onPacket;
    this.isReady = isReady;
    this.onGone = onGone;
    this.auth = auth;
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.tcp = connect({
      host: '127.0.0.1',
      port,
      onread: { buffer: sharedBuffer, callback: (length, buffer) => this.read(buffer.subarray(0, length)) },
    });
    this.tcp.setNoDelay(true);
    this.tcp.on('connect', () => this.tcp.write(upgrade(port)));
    this.tcp.on('error', (error) => this.gone(error));
    this.tcp.on('close', () => this.gone(new Error('closed')));
  }

  /** Sends a Socket.IO packet without Engine.IO's prefix. */
  send(packet) {
    return this.tcp.write(maskedText(`4${packet}`));
  }

  close() {
    this.state = 'closed';
    this.tcp.resetAndDestroy(); // no TIME_WAIT, so that no port is missed later
  }

  read(chunk) {
    if (this.reader) this.reader.push(chunk);
    else this.readHead(chunk);
    return this.state !== 'closed';
  }

  readHead(chunk) {
    this.head = this.head ? Buffer.concat([this.head, chunk]) : Buffer.from(chunk);
    const end = this.head.indexOf(HEAD_END);
    if (end < 0) return;
    const rest = this.head.subarray(end + 4);
    if (!this.head.toString('latin1', 0, end).startsWith('HTTP/1.1 101'))
      return this.gone(new Error('not upgraded'));
    this.head = null;
    this.reader = new FrameReader(
      (data, start, stop) => this.packet(data, start, stop),
      () => this.gone(new Error('the server said goodbye')),
    );
    if (rest.length > 0) this.reader.push(rest);
  }

  packet(data, start, end) {
    const kind = data[start];
    if (kind === FOUR) return this.message(data, start + 1, end);
    if (kind === TWO) this.tcp.write(PONG);
    else if (kind === ZERO) this.send(`0${JSON.stringify(this.auth)}`);
  }

  message(data, start, end) {
    if (this.state === 'open') return this.onPacket(this, data, start, end);
    if (data[start] === FOUR) return this.gone(new Error(`refused: ${data.toString('utf8', start, end)}`));
    if (this.isReady ? this.isReady(this, data, start, end) : data[start] === ZERO) {
      this.state = 'open';
      this.auth = null;
      this.resolve(this);
    }
  }

  gone(error) {
    if (this.state === 'closed') return;
    const wasOpen = this.state === 'open';
    this.state = 'closed';
    this.tcp.destroy();
    if (wasOpen) this.onGone?.(this, error);
    else this.reject(error);
  }
}

const upgrade = (port) =>
  `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\n` +
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
