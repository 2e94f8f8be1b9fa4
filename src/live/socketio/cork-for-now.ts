import type { Writable } from 'node:stream';

/** What is written to the socket until the event loop has handled what it is at goes out together, in one system call. */
export function corkForNow(socket: Writable): void {
  socket.cork();
  setImmediate(() => socket.uncork());
}
