import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Starts a firewall that can silently drop the packets of all its connections so far. New connections pass. */
export async function startForgetfulFirewall({ hostname, port }: URL) {
  const forgotten = new WeakSet<Socket>();
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket, of: Socket) => {
    sockets.add(from);
    from.on('data', (data) => forgotten.has(of) || to.write(data));
    from.on('error', () => from.destroy());
    from.on('close', () => forgotten.has(of) || to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    carry(near, far, near);
    carry(far, near, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    forget: () => sockets.forEach((socket) => forgotten.add(socket)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
