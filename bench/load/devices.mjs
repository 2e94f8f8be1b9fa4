/* Many devices, what they got, and how long it took. The same for Usher and for bare Socket.IO but for the handshake. */
import { createHmac } from 'node:crypto';
import { CLOCK_BASE, clock } from './clock.mjs';
import { Histogram } from './histogram.mjs';
import { maskedText } from './frames.mjs';
import { SocketIo } from './socket.mjs';

const [BRACKET, QUOTE, NINE, ZERO, EVENT, ACK, A, B, P, T] = Buffer.from('["9023abpt');
const POSITION = Buffer.from('"positionSeconds":');
const WELCOME = Buffer.from('2["welcome"');
/** A heartbeat carries its time as the position; before the first minute a viewing would not count. */
const POSITION_BASE = 60;
export const positionOf = (at) => POSITION_BASE + (at - CLOCK_BASE) / 1e6;

export class Devices {
  sockets = [];
  positions = new Map();
  deliveries = 0;
  urgent = 0;
  acks = 0;
  refused = 0;
  followsUrgent = false;
  lost = 0;
  bytes = 0;
  latency = new Histogram();
  urgentLatency = new Histogram();
  /** When the last device got the urgent event that was due then; kept for publishers that follow their events. */
  urgentArrivals = new Map();
  /** Called after a delivery or an ack; set by whoever runs a load. */
  onProgress = () => {};

  constructor({ kind, port, secret, prefix = 'u', devicesPerUser }) {
    Object.assign(this, { kind, port, secret, prefix, devicesPerUser });
  }

  userOf(index) {
    return `${this.prefix}${Math.floor(index / this.devicesPerUser)}`;
  }

  /** Connects devices `from` … `to`: at most `concurrency` handshakes at once, at most `perSecond` begun a second. Gives seconds. */
  async connect({ from = 0, to, concurrency = 50, perSecond = Infinity }) {
    const start = clock();
    let next = from;
    const worker = async () => {
      while (next < to) {
        const index = next;
        next += 1;
        const due = start + ((index - from) / perSecond) * 1e6;
        if (due > clock()) await new Promise((resolve) => setTimeout(resolve, (due - clock()) / 1_000));
        this.sockets[index] = await this.device(index).ready;
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, to - from) }, worker));
    return (clock() - start) / 1e6;
  }

  close() {
    for (const socket of this.sockets) socket?.close();
    this.sockets = [];
  }

  reset() {
    const fresh = { latency: new Histogram(), urgentLatency: new Histogram(), onProgress: () => {} };
    this.urgentArrivals.clear();
    Object.assign(this, { deliveries: 0, urgent: 0, acks: 0, refused: 0, bytes: 0, ...fresh });
  }

  device(index) {
    const user = this.userOf(index);
    const deviceId = `${this.prefix}-device-${index}`;
    const usher = this.kind === 'usher';
    return new SocketIo({
      port: this.port,
      auth: usher
        ? { token: token(user, this.secret), deviceId, platform: 'tv', ...this.positions.get(index) }
        : { user },
      isReady: usher ? (_, data, start, end) => this.welcomed(index, data, start, end) : undefined,
      onPacket: (socket, data, start, end) => this.packet(socket, data, start, end),
      onGone: () => (this.lost += 1),
    });
  }

  // A device remembers where it is, so that it can come back as a real one does.
  welcomed(index, data, start, end) {
    if (data.compare(WELCOME, 0, WELCOME.length, start, start + WELCOME.length) !== 0) return false;
    const [, { epoch, offset }] = JSON.parse(data.toString('utf8', start + 1, end));
    this.positions.set(index, { epoch, offset: String(offset) });
    return true;
  }

  packet(socket, data, start, end) {
    if (data[start] === EVENT) this.event(socket, data, start + 1, end);
    else if (data[start] === ACK) this.ack(data, start + 1);
  }

  event(socket, data, from, end) {
    let at = from;
    let id = 0;
    while (data[at] !== BRACKET) id = id * 10 + data[at++] - ZERO;
    const first = data[at + 1] === QUOTE ? data[at + 2] : 0; // the event type's first letter tells them apart
    if (at > from) socket.tcp.write(maskedText(`43${id}[]`));
    if (first === B || first === P) {
      this.deliveries += 1;
      this.bytes += end - from + 2;
      this.latency.add(clock() - (first === B ? trailingNumber(data, end) : beatTime(data, at, end)));
    } else if (first === A) {
      this.urgent += 1;
      const [due, now] = [trailingNumber(data, end), clock()];
      this.urgentLatency.add(now - due);
      if (this.followsUrgent) this.urgentArrivals.set(due, now);
    } else return;
    this.onProgress();
  }

  // `1[{"ok":true…`
  ack(data, from) {
    let at = from;
    while (data[at] !== BRACKET) at += 1;
    if (data[at + 7] === T) this.acks += 1;
    else this.refused += 1;
    this.onProgress();
  }
}

function trailingNumber(data, end) {
  let at = end - 1;
  while (data[at] < ZERO || data[at] > NINE) at -= 1;
  let value = 0;
  for (let weight = 1; data[at] >= ZERO && data[at] <= NINE; at -= 1, weight *= 10)
    value += (data[at] - ZERO) * weight;
  return value;
}

function beatTime(data, start, end) {
  const at = data.indexOf(POSITION, start) + POSITION.length;
  return CLOCK_BASE + (parseFloat(data.latin1Slice(at, Math.min(end, at + 20))) - POSITION_BASE) * 1e6;
}

export function token(user, secret) {
  const claims = { sub: user, aud: 'usher', exp: Math.floor(Date.now() / 1000) + 7_200 };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
