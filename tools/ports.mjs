/*
 * Free ports on the loopback. They lie below 32768 because Linux hands out the ports above it to outgoing connections: a
 * database that restarts there under a reconnecting pool can find its own port taken by one of its clients.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const lowest = 20_000;
const highest = 31_999;

/**
 * A TCP port that this process may use as long as it lives; no other call here or in another process gets it meanwhile. A server
 * begins to listen some time after it was given its port, and may restart. So the UDP port of the same number is held for
 * it, which nothing here uses and which the kernel takes back when the process ends.
 */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if ((await reserved(port)) && (await whyNot(port, '127.0.0.1')) === null) return port;
  }
  throw new Error(`Found no free port between ${lowest} and ${highest}.`);
}

function reserved(port) {
  return new Promise((resolve) => {
    const holder = createSocket('udp4').unref();
    holder.once('error', () => resolve(false));
    holder.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

/** Null when a server could listen there now, else the system's code for why not (EADDRINUSE, EACCES, …). */
export function whyNot(port, host) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(error.code));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}
