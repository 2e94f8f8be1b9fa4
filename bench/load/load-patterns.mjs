/*
 * What a load process can do to a server. All are bounded in time; the closed ones keep a window of events under way, so that
 * the server is busy but nothing piles up, and end when everything arrived.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { clock, toMachineClock } from './clock.mjs';
import { positionOf } from './devices.mjs';

/** What has not moved for so long will not come any more. */
const STUCK_MS = 3_000;
const QUIET_WITHIN_MS = 60_000;

/** Events round robin over the users. A critical one is a plan change, so it supersedes the user's last one. */
function eventsFor(fleet, users, tier) {
  let next = 0;
  const type = tier === 'critical' ? 'alert.bench' : 'bench.tick';
  const key = tier === 'critical' ? 'bench' : undefined;
  return (count) =>
    Array.from({ length: count }, () => {
      const user = users
        ? users[next % users.length]
        : fleet.userOf((next * fleet.devicesPerUser) % fleet.sockets.length);
      next += 1;
      return { user, type, tier, key };
    });
}

/** Publishes for `seconds` with about `window` events under way. */
export async function publishClosed(fleet, publisher, { seconds, window, batch, tier }) {
  fleet.reset();
  const take = eventsFor(fleet, undefined, tier);
  const each = fleet.devicesPerUser;
  const start = clock();
  const end = start + seconds * 1e6;
  let sent = 0;
  const count = () => fleet.deliveries + fleet.urgent;
  const pump = () => {
    if (sent - count() / each > window - batch || clock() >= end) return;
    while (publisher.free && sent - count() / each <= window - batch) {
      publisher.send(take(batch));
      sent += batch;
    }
  };
  fleet.onProgress = pump;
  publisher.onAnswer = pump;
  pump();
  await pause(seconds * 1_000);
  await arrived(fleet, () => count() >= sent * each);
  publisher.onAnswer = () => {};
  return { ...outcome(fleet, start), events: sent, missing: sent * each - count(), failed: publisher.failed };
}

/** Publishes single events at a fixed rate; the latency counts from when an event was due. */
export async function publishAtRate(fleet, publisher, { seconds, perSecond, tier, users, expected }) {
  fleet.reset();
  fleet.followsUrgent = publisher.followed !== undefined;
  const take = eventsFor(fleet, users, tier);
  const start = clock();
  const total = Math.round(seconds * perSecond);
  const count = () => (tier === 'critical' ? fleet.urgent : fleet.deliveries);
  for (let sent = 0; sent < total;) {
    const due = start + (sent / perSecond) * 1e6;
    if (clock() >= due && publisher.free) {
      publisher.send(take(1), due);
      sent += 1;
    } else if (clock() < due) await pause(Math.max(1, (due - clock()) / 1_000 - 1));
    else await pause(1);
    if (clock() > start + (seconds + 30) * 1e6) break;
  }
  const each = expected ?? fleet.devicesPerUser;
  await arrived(fleet, () => count() >= total * each);
  return {
    ...outcome(fleet, start),
    events: total,
    followed: publisher.followed?.map(({ due, ...event }) => ({
      ...event,
      dueAt: toMachineClock(due),
      arrivedAt: toMachineClock(fleet.urgentArrivals.get(due)),
    })),
    missing: total * each - count(),
    failed: publisher.failed,
  };
}

/** Heartbeats round robin over all devices, `window` of them unanswered. Bare Socket.IO relays them and answers too. */
export async function beatsClosed(fleet, { seconds, window }) {
  fleet.reset();
  const start = clock();
  const end = start + seconds * 1e6;
  let sent = 0;
  const answered = () => fleet.acks + fleet.refused;
  const pump = () => {
    if (sent - answered() > window * 0.9 || clock() >= end) return;
    while (sent - answered() < window) {
      const index = sent % fleet.sockets.length;
      fleet.sockets[index].send(heartbeat(index, sent));
      sent += 1;
    }
  };
  fleet.onProgress = pump;
  pump();
  await pause(seconds * 1_000);
  const expected = () => fleet.acks * (fleet.devicesPerUser - 1);
  await arrived(fleet, () => answered() >= sent);
  const active = (clock() - start) / 1e6;
  await arrived(fleet, () => fleet.deliveries >= expected());
  // A position that a newer one of the same show overtook before it was written is not told: that is meant to be so.
  const superseded = expected() - fleet.deliveries;
  return {
    ...outcome(fleet, start),
    active,
    heartbeats: fleet.acks,
    refused: fleet.refused,
    missing: 0,
    superseded,
  };
}

/** Heartbeats round robin over all devices at a fixed rate, whatever is unanswered. */
export async function beatsAtRate(fleet, { seconds, perSecond }) {
  fleet.reset();
  const start = clock();
  const total = Math.round(seconds * perSecond);
  for (let sent = 0; sent < total;) {
    for (; sent < total && start + (sent / perSecond) * 1e6 <= clock(); sent += 1) {
      const index = sent % fleet.sockets.length;
      fleet.sockets[index].send(heartbeat(index, sent));
    }
    await pause(5);
  }
  await arrived(fleet, () => fleet.acks + fleet.refused >= total);
  return { ...outcome(fleet, start), heartbeats: fleet.acks, refused: fleet.refused };
}

/** Routine events without end, over our own users and `others`: whenever the publisher is free, a batch. `stop()` ends it. */
export function flood(fleet, publisher, { batch, others = [] }) {
  fleet.reset();
  const own = fleet.sockets.length / fleet.devicesPerUser;
  const users = [...Array.from({ length: own }, (_, n) => fleet.userOf(n * fleet.devicesPerUser)), ...others];
  const take = eventsFor(fleet, users, 'routine');
  const start = clock();
  let sent = 0;
  let over = false;
  let scheduled = false;
  // A batch a turn: the devices in this process must be read too.
  const pump = () => {
    scheduled = false;
    if (over || !publisher.free) return;
    publisher.send(take(batch));
    sent += batch;
    schedule();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(pump);
  };
  publisher.onAnswer = schedule;
  schedule();
  return async () => {
    over = true;
    const result = { ...outcome(fleet, start), events: sent, failed: publisher.failed };
    await quiet(fleet);
    return result;
  };
}

/** The same call again and again over all connections, a request at a time on each. */
export async function requests(connections, { seconds, key, pathOf }, histogram) {
  const start = clock();
  const end = start + seconds * 1e6;
  let failed = 0;
  let count = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (clock() < end) {
        const before = clock();
        const { status } = await connection.request('GET', pathOf(count), { key });
        histogram.add(clock() - before);
        count += 1;
        if (status !== 200) failed += 1;
      }
    }),
  );
  const took = (clock() - start) / 1e6;
  return { perSecond: count / took, failed, ...histogram.summary() };
}

/** Renews each stream every `everySeconds`, as its edge node does; a connection that is late goes on at once. */
export async function renewals(connections, { key, streams, everySeconds, seconds }) {
  const start = clock();
  const gap = (everySeconds * 1e6) / streams;
  const total = Math.floor((seconds * 1e6) / gap);
  let [next, failed] = [0, 0];
  await Promise.all(
    connections.map(async (connection) => {
      while (next < total) {
        const count = next++;
        const waitMs = (start + count * gap - clock()) / 1e3;
        if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
        const { status } = await connection.request('PUT', `/v1/streams/s${count % streams}`, { key });
        if (status !== 200) failed += 1;
      }
    }),
  );
  return { count: total, failed, took: (clock() - start) / 1e6 };
}

function heartbeat(device, sent) {
  const position = positionOf(clock()).toFixed(6);
  return (
    `2${sent}["playback.heartbeat",{"showId":"show-${device}","episodeId":"episode-7","positionSeconds":${position},` +
    '"durationSeconds":5400,"state":"playing"}]'
  );
}

function outcome(fleet, start) {
  const arrived = fleet.deliveries + fleet.urgent;
  return {
    seconds: (clock() - start) / 1e6,
    deliveries: arrived,
    frameBytes: fleet.deliveries > 0 ? Math.round(fleet.bytes / fleet.deliveries) : undefined,
    latency: (fleet.urgent > 0 ? fleet.urgentLatency : fleet.latency).summary(),
    lost: fleet.lost,
  };
}

async function arrived(fleet, holds) {
  let before = -1;
  for (let since = Date.now(); !holds() && Date.now() < since + STUCK_MS; await pause(5)) {
    const now = fleet.deliveries + fleet.urgent + fleet.acks + fleet.refused;
    if (now !== before) since = Date.now();
    before = now;
  }
}

async function quiet(fleet) {
  for (const deadline = Date.now() + QUIET_WITHIN_MS; Date.now() < deadline;) {
    const before = fleet.deliveries;
    await pause(700);
    if (fleet.deliveries === before) return;
  }
}
