/* The publisher of the room, and what it was ordered to publish. */
import { findPublishers, startInRoom } from './programs.mjs';

/** A device of the user that is never there: what is for it moves only the position of the others. */
export const ABSENT_DEVICE = 'absent';

/** Starts the first publisher whose toolchain is there. */
export async function openPublisher({ secrets, openLine, signal, missing }) {
  const { proxy } = await openLine('publisher');
  const environment = { ROOM_URL: proxy.url, ROOM_KEY: secrets.ADMIN_KEY };
  const listeners = [];
  for (const program of findPublishers()) {
    const onLine = (line) => listeners.forEach((listen) => listen(line));
    const process = await startInRoom(program, environment, onLine, signal);
    if (!process.missing)
      return { ...process, name: program.name, onLine: (listen) => listeners.push(listen) };
    missing.push({ name: program.name, missing: process.missing });
  }
  throw new Error('There is nothing to publish with.');
}

/** What was ordered to be published, by number, and what became of it. */
export function publisherOf(publisher, devices) {
  const published = new Map();
  let waiting = 0;
  publisher.onLine(({ accepted }) => {
    for (const { n, offset } of accepted) published.get(n).offset = offset;
    waiting -= accepted.length;
  });
  const targetOf = (n) =>
    n % 10 === 3 ? devices[n % devices.length].name : n % 10 === 7 ? ABSENT_DEVICE : undefined;
  const publish = (user, count, { isHeard = true } = {}) => {
    const events = Array.from({ length: count }, () => {
      const n = published.size + 1;
      const target = isHeard && user === 'ann' ? targetOf(n) : undefined;
      published.set(n, { user, target, isHeard });
      const tier = n % 3 === 0 ? 'critical' : 'important';
      return {
        userId: user,
        type: 'note',
        tier,
        key: `note:${n}`,
        data: { n },
        ...(target && { deviceId: target }),
      };
    });
    waiting += count;
    publisher.order({ publish: events });
  };
  const isWaiting = (device, user) => {
    const heard = new Set(device.heard.map(({ n }) => n));
    const isDue = ([n, event]) => event.user === user && event.isHeard && !heard.has(n);
    return [...published].some((one) => isDue(one) && [undefined, device.name].includes(one[1].target));
  };
  return { published, publish, isPublished: () => waiting === 0, isWaiting };
}
