/*
 * Bare Socket.IO: what anyone would write in ten minutes, and the measure of our own work. WebSocket only, no compression, a
 * room a user, no auth, no storage; with one of its Redis adapters if ADAPTER says so. `publish` is an event for a user; `publish.batch` is many in one message.
 */
import { createServer } from 'node:http';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });

const { ADAPTER, REDIS_URL } = process.env;
const create = { stock: createAdapter, sharded: createShardedAdapter }[ADAPTER];
if (create) io.adapter(create(new Redis(REDIS_URL), new Redis(REDIS_URL)));

io.on('connection', (socket) => {
  const { user } = socket.handshake.auth;
  if (user) void socket.join(user);
  socket.on('publish', ({ user: to, type, data }) => io.to(to).emit(type, data));
  socket.on('publish.batch', (events, done) => {
    for (const { user: to, type, data } of events) io.to(to).emit(type, data);
    done?.();
  });
  // With acknowledgements, which Socket.IO gathers a broadcast.
  socket.on('publish.acked', (events, done) => {
    for (const { user: to, type, data } of events)
      io.to(to)
        .timeout(10_000)
        .emit(type, data, () => {});
    done?.();
  });
  socket.on('playback.heartbeat', (heartbeat, answer) => {
    socket.to(user).emit('playback.progress', heartbeat);
    answer({ ok: true });
  });
});

http.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
process.on('SIGTERM', () => process.exit(0));
