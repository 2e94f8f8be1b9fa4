/*
 * The two ways of publishing, with one face: `free` says whether one more batch may go, `send(events)` sends it. An event is
 * `{ user, type, tier, key? }`; every one carries the same bytes of data, and the time in them.
 */
import { clock, toMachineClock } from './clock.mjs';
import { HttpConnection } from './http.mjs';
import { SocketIo } from './socket.mjs';

/** JSON of exactly `bytes`, the time last, where the receiving side reads it from the end. */
function dataOf(bytes) {
  const frame = '{"text":"","t":100000000000}'.length;
  const head = `{"text":"${'x'.repeat(Math.max(0, bytes - frame))}","t":`;
  return (at) => `${head}${Math.round(at)}}`;
}

/**
 * Back office of Usher: `POST /v1/events`, a request at a time on each connection. If it `follows` its requests, it names them, and keeps in
 * `followed` when each was due, sent and answered, by the clock of the machine, and the ids of its events.
 */
export class UsherPublisher {
  failed = 0;
  onAnswer = () => {};

  constructor({ port, key, connections = 4, payload, follows = false }) {
    this.key = key;
    this.followed = follows ? [] : undefined;
    this.data = dataOf(payload);
    this.connections = Array.from({ length: connections }, () => new HttpConnection(port));
  }

  get free() {
    return this.connections.some((connection) => !connection.busy);
  }

  send(events, at = clock()) {
    const data = this.data(at);
    const body = `{"events":[${events
      .map(
        ({ user, type, tier, key }) =>
          `{"userId":"${user}","type":"${type}","tier":"${tier}",${key ? `"key":"${key}",` : ''}"data":${data}}`,
      )
      .join()}]}`;
    const connection = this.connections.find(({ busy }) => !busy);
    const due = Math.round(at);
    const requestId = this.followed && `due-${due}`;
    const sentAt = toMachineClock(clock());
    connection.request('POST', '/v1/events', { key: this.key, body, requestId }).then(
      ({ status, body: said }) => {
        if (status !== 202) this.fail(`${status} ${said}`);
        else
          this.followed?.push({ requestId, due, sentAt, ids: JSON.parse(said).accepted.map(({ id }) => id) });
        this.onAnswer();
      },
      (error) => this.fail(error.message),
    );
  }

  fail(why) {
    if (this.failed === 0) process.stderr.write(`publishing failed: ${why.slice(0, 300)}\n`);
    this.failed += 1;
  }

  close() {
    for (const connection of this.connections) connection.close();
  }
}

/**
 * Publisher of bare Socket.IO. `way`: `single` (a message an event), `batch` (a message a batch), `acked` (a batch whose
 * deliveries the devices acknowledge). With `waits` a connection has one batch under way, like the requests above.
 */
export class BarePublisher {
  failed = 0;
  onAnswer = () => {};

  constructor({ port, way = 'single', connections = 1, waits = false, payload }) {
    this.data = dataOf(payload);
    this.way = way;
    this.waits = waits;
    this.sockets = Array.from(
      { length: connections },
      () =>
        new SocketIo({
          port,
          auth: {},
          onPacket: (socket) => this.answered(socket),
          onGone: () => (this.failed += 1),
        }),
    );
    this.ready = Promise.all(this.sockets.map((socket) => socket.ready));
    for (const { tcp } of this.sockets) tcp.on('drain', () => this.onAnswer());
    this.underWay = new Set();
  }

  get free() {
    return this.sockets.some((socket) => this.isFree(socket));
  }

  send(events, at = clock()) {
    const socket = this.sockets.find((one) => this.isFree(one));
    if (this.waits) this.underWay.add(socket);
    const data = this.data(at);
    const text = ({ user, type }) => `{"user":"${user}","type":"${type}","data":${data}}`;
    if (this.way !== 'single') {
      socket.send(`2${this.waits ? '1' : ''}["publish.${this.way}",[${events.map(text).join()}]]`);
      return;
    }
    socket.tcp.cork(); // a busy publisher's messages travel together
    for (const event of events) socket.send(`2["publish",${text(event)}]`);
    socket.tcp.uncork();
  }

  isFree(socket) {
    return this.waits ? !this.underWay.has(socket) : !socket.tcp.writableNeedDrain;
  }

  answered(socket) {
    this.underWay.delete(socket);
    this.onAnswer();
  }

  close() {
    for (const socket of this.sockets) socket.close();
  }
}
