/* Devices that read their front page as soon as they are told of it, over a few kept-alive connections; and many reads at once. */
import { clock } from './clock.mjs';
import { Devices, token } from './devices.mjs';
import { Histogram } from './histogram.mjs';
import { HttpConnection } from './http.mjs';
import { userOfRow } from './nightly.mjs';

const [BRACKET, R] = Buffer.from('[r');
const PATH = '/v1/me/recommendations/main';

/** One device each of the users of a nightly file (nightly.mjs). */
export class FrontPageDevices extends Devices {
  indexes = new Map();
  /** Called with the index of a device that was sent `recommendations.ready`. */
  onTold = () => {};

  userOf(index) {
    return userOfRow(this.prefix, index);
  }

  device(index) {
    const socket = super.device(index);
    this.indexes.set(socket, index);
    return socket;
  }

  event(socket, data, from, end) {
    super.event(socket, data, from, end);
    if (data[data.indexOf(BRACKET, from) + 2] === R) this.onTold(this.indexes.get(socket));
  }
}

/** Reads a page for each user that is added, `connections` at once; the time of one begins when it is added. */
class PageReads {
  latency = new Histogram();
  failed = 0;
  queue = [];
  next = 0;

  constructor({ port, connections, path = PATH, keyOf, count }) {
    Object.assign(this, { path, keyOf, count });
    this.all = Array.from({ length: connections }, () => new HttpConnection(port));
    this.idle = [...this.all];
    this.done = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
  }

  add(index) {
    this.queue.push({ index, at: clock() });
    this.start();
  }

  start() {
    while (this.idle.length > 0 && this.next < this.queue.length)
      void this.read(this.idle.pop(), this.queue[this.next++]).catch((error) => this.reject(error));
  }

  async read(connection, { index, at }) {
    const { status } = await connection.request('GET', this.path, { key: this.keyOf(index) });
    this.latency.add(clock() - at);
    if (status !== 200) this.failed += 1;
    this.idle.push(connection);
    this.start();
    if (this.latency.total === this.count) this.resolve();
  }

  async end() {
    try {
      await this.done;
      return { failed: this.failed, ...this.latency.summary() };
    } finally {
      for (const connection of this.all) connection.close();
    }
  }
}

const tokensOf = ({ prefix, users, secret }) =>
  Array.from({ length: users }, (_, index) => token(userOfRow(prefix, index), secret));

/** Resolves when each of the devices was told once and has read its page. */
export async function readWhenTold(fleet, of) {
  const tokens = tokensOf({ ...fleet, ...of });
  const reads = new PageReads({ ...of, port: fleet.port, count: of.users, keyOf: (index) => tokens[index] });
  fleet.onTold = (index) => reads.add(index);
  return reads.end();
}

/** All users' pages at once. */
export async function readAtOnce(of) {
  const tokens = tokensOf(of);
  const reads = new PageReads({ ...of, count: of.users, keyOf: (index) => tokens[index] });
  const start = clock();
  for (let index = 0; index < of.users; index += 1) reads.add(index);
  const result = await reads.end();
  return { ...result, seconds: (clock() - start) / 1e6 };
}
