/* The web client in Node as a device of the room: orders on the standard input, lines on the standard output (programs.mjs). */
import { createInterface } from 'node:readline';
import { createWebDevice } from './web-device.mjs';

const { ROOM_URL, ROOM_TOKENS, ROOM_DEVICE, ROOM_QUIET } = process.env;
const stored = new Map();

const device = createWebDevice({
  url: ROOM_URL,
  deviceId: ROOM_DEVICE,
  isQuiet: ROOM_QUIET === '1',
  storage: {
    getItem: (name) => stored.get(name) ?? null,
    setItem: (name, value) => void stored.set(name, value),
    removeItem: (name) => void stored.delete(name),
  },
  getToken: async (user) => {
    const response = await fetch(`${ROOM_TOKENS}?user=${user}`, { signal: AbortSignal.timeout(5_000) });
    return response.text();
  },
  say: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
});
const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => device.obey(JSON.parse(line)));
orders.on('close', () => device.close());
process.stdout.write('{"ready":true}\n');
