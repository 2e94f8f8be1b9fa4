/* One device of the room: its process, its line, and what it said. */
import { startInRoom } from './programs.mjs';

const REPORT_WITHIN_MS = 10_000;
/** What a node says when it accepted a new token on the same connection; a `welcome` has no `ok`. */
const RENEWED = '"ok":true,"tokenExpiresAt"';

/** Starts a device; `{ name, missing }` if its toolchain is not there. What it says is kept in the result. */
export async function openDevice({ program, signIn, openLine, signal }) {
  const { name } = program;
  const device = { name, heard: [], refused: [], failures: [], renewals: 0, live: null };
  device.line = await openLine(name, (text) => {
    if (text.includes(RENEWED)) device.renewals += 1;
  });
  let onReport = () => {};
  const onLine = ({ user, connection, heard, refused, failure, report }) => {
    if (heard) device.heard.push({ user, ...heard });
    if (connection) device.live = connection === 'live' ? user : null;
    if (refused) device.refused.push(refused);
    if (failure) device.failures.push(failure);
    if (report) onReport(report);
  };
  const environment = {
    ROOM_URL: device.line.proxy.url,
    ROOM_TOKENS: `${signIn.url}/token`,
    ROOM_DEVICE: name,
    ROOM_PAGE: signIn.url,
  };
  const process = await startInRoom(program, environment, onLine, signal);
  if (process.missing) return { name, missing: process.missing };
  return Object.assign(device, {
    stop: process.stop,
    signIn: (user) => {
      device.live = null;
      process.order({ do: 'sign-in', user });
    },
    beat: () => process.order({ do: 'beat', show: name, position: 600 }),
    report: () =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${name} does not report`)), REPORT_WITHIN_MS);
        onReport = (report) => {
          clearTimeout(late);
          resolve(report);
        };
        process.order({ do: 'report' });
      }),
  });
}
