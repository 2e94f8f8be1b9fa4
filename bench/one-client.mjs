/* One device in a process of its own, whose memory and CPU are measured: the web client, or bare socket.io-client. It counts the events `note`. */
import { serveRequests } from './ipc-worker.mjs';

let heard = 0;

serveRequests({
  async usher({ url, token }) {
    const { connect } = await import('@usher/client');
    const stored = new Map();
    const storage = {
      getItem: (name) => stored.get(name) ?? null,
      setItem: (name, value) => void stored.set(name, value),
      removeItem: (name) => void stored.delete(name),
    };
    const client = connect({ url, token, deviceId: 'bench', platform: 'web', storage });
    client.on('note', () => (heard += 1));
    await new Promise((resolve, reject) => {
      client.on('change', (state) => state.connection === 'live' && resolve());
      client.on('refused', reject);
    });
  },
  async bare({ url, user }) {
    const { io } = await import('socket.io-client');
    const socket = io(url, { transports: ['websocket'], auth: { user } });
    socket.on('note', (_data, acknowledge) => {
      heard += 1;
      acknowledge?.();
    });
    await new Promise((resolve) => socket.on('connect', resolve));
  },
  heard: () => heard,
});
