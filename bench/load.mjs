/*
 * The load process: holds devices and publishers on a core of its own, so that what the server spends is the server's alone.
 */
import { answerTo } from './asked.mjs';
import { Fleet } from './load/fleet.mjs';
import { Histogram } from './load/histogram.mjs';
import { HttpConnection } from './load/http.mjs';
import * as loads from './load/loads.mjs';
import { copyRows, sendRows } from './load/nightly.mjs';
import { BarePublisher, UsherPublisher } from './load/publishers.mjs';
import { publishAll, publishSteadily } from './load/sleepers.mjs';

let fleet;
let stopFlood;

const asks = {
  fleet: (of) => void (fleet = new Fleet(of)),
  connect: (of) => fleet.connect(of),
  close: () => fleet.close(),
  publish: (of) => withPublisher(of, (publisher) => loads.publishClosed(fleet, publisher, of)),
  publishAtRate: (of) => withPublisher(of, (publisher) => loads.publishAtRate(fleet, publisher, of)),
  beats: (of) => loads.beatsClosed(fleet, of),
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
  sendRows,
  copyRows,
  publishAll,
  publishSteadily,
};

answerTo(asks);

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
