/*
 * The load process: holds devices and publishers on a core of its own, so that what the server spends is the server's alone.
 */
import { serveRequests } from './ipc-worker.mjs';
import { Devices } from './load/devices.mjs';
import { FrontPageDevices, readAtOnce, readWhenTold } from './load/front-pages.mjs';
import { Histogram } from './load/histogram.mjs';
import { HttpConnection } from './load/http.mjs';
import * as loads from './load/load-patterns.mjs';
import { copyRows, sendRows } from './load/nightly.mjs';
import { BarePublisher, UsherPublisher } from './load/publishers.mjs';
import { publishAll, publishSteadily } from './load/push-publishers.mjs';

let fleet;
let stopFlood;

const asks = {
  fleet: (of) => void (fleet = new Devices(of)),
  frontPageFleet: (of) => void (fleet = new FrontPageDevices(of)),
  readWhenTold: (of) => readWhenTold(fleet, of),
  readAtOnce,
  connect: (of) => fleet.connect(of),
  close: () => fleet.close(),
  publish: (of) => withPublisher(of, (publisher) => loads.publishClosed(fleet, publisher, of)),
  publishAtRate: (of) => withPublisher(of, (publisher) => loads.publishAtRate(fleet, publisher, of)),
  heartbeats: (of) => loads.beatsClosed(fleet, of),
  heartbeatsAtRate: (of) => loads.beatsAtRate(fleet, of),
  async flood(of) {
    const publisher = await publisherFor(of);
    const stop = loads.flood(fleet, publisher, of);
    stopFlood = async () => {
      const result = await stop();
      publisher.close();
      return result;
    };
  },
  stopFlood: () => stopFlood(),
  async requests({ port, connections, path, users, ...of }) {
    const open = Array.from({ length: connections }, () => new HttpConnection(port));
    const pathOf = (count) => path.replace('{user}', `u${count % (users ?? 1)}`);
    try {
      return await loads.requests(open, { ...of, pathOf }, new Histogram());
    } finally {
      for (const connection of open) connection.close();
    }
  },
  async renewals({ port, connections, ...of }) {
    const open = Array.from({ length: connections }, () => new HttpConnection(port));
    try {
      return await loads.renewals(open, of);
    } finally {
      for (const connection of open) connection.close();
    }
  },
  sendRows,
  copyRows,
  publishAll,
  publishSteadily,
};

serveRequests(asks);

async function withPublisher(of, act) {
  const publisher = await publisherFor(of);
  try {
    return await act(publisher);
  } finally {
    publisher.close();
  }
}

async function publisherFor({ publisher: { kind, ...options }, payload }) {
  const publisher = new (kind === 'usher' ? UsherPublisher : BarePublisher)({ payload, ...options });
  await publisher.ready;
  return publisher;
}
