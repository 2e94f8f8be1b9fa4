import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Http2SecureServer, Http2ServerResponse } from 'node:http2';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { localhostCertificate } from '../../../tools/localhost-certificate.mjs';

/** How a fake provider responds to one push. `no-response` leaves the request open; `disconnect` closes its connection. */
export type ProviderResponse =
  | 'ok'
  | 'no-response'
  | 'disconnect'
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
      readonly afterMs?: number;
    };

/** The responses that a test wants: first the queued ones, then the one for the address, then the default. */
export class ResponseScript {
  defaultResponse: ProviderResponse = 'ok';
  private readonly nextResponses: ProviderResponse[] = [];
  private readonly byAddress = new Map<string, ProviderResponse>();

  /** Queues the responses to the next pushes, whatever their address. */
  next(...replies: ProviderResponse[]): void {
    this.nextResponses.push(...replies);
  }

  /** Sets the response to every push to this address. */
  forAddress(address: string, reply: ProviderResponse): void {
    this.byAddress.set(address, reply);
  }

  /** Every push is accepted again. */
  clear(): void {
    this.defaultResponse = 'ok';
    this.nextResponses.length = 0;
    this.byAddress.clear();
  }

  /** Whether every queued response was sent. */
  get isUsedUp(): boolean {
    return this.nextResponses.length === 0;
  }

  /** Returns the response to a push to this address. */
  take(address: string): ProviderResponse {
    return this.nextResponses.shift() ?? this.byAddress.get(address) ?? this.defaultResponse;
  }
}

interface TlsCertificate {
  readonly key: string;
  readonly cert: string;
  /** The path for PUSH_CA_FILE. */
  readonly file: string;
  /** Deletes the file when no fake uses it any more. */
  release(): Promise<void>;
}

let made: { users: number; certificate: Promise<Omit<TlsCertificate, 'release'>> } | undefined;

/** One certificate for localhost and 127.0.0.1, which all fakes of a test file share, since PUSH_CA_FILE names one file. */
export async function sharedCertificate(): Promise<TlsCertificate> {
  made ??= {
    users: 0,
    certificate: mkdtemp(join(tmpdir(), 'usher-fake-push-')).then(localhostCertificate),
  };
  const mine = made;
  mine.users += 1;
  const shared = await mine.certificate;
  const release = async (): Promise<void> => {
    mine.users -= 1;
    if (mine.users > 0) return;
    if (made === mine) made = undefined;
    await rm(join(shared.file, '..'), { recursive: true, force: true });
  };
  return { ...shared, release };
}

/** The connections of a server, so that a test can count and close them. */
export class ServerConnections {
  /** How many were ever accepted. */
  total = 0;
  private readonly sockets = new Set<Socket>();

  get open(): number {
    return this.sockets.size;
  }

  add(socket: Socket): void {
    this.total += 1;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  closeAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** What all fakes of push providers have in common. */
export interface FakePushProvider<Push> {
  /** The settings that lead a node to this fake, for `startUsher` or `readConfig`. */
  readonly environment: Record<string, string>;
  readonly responses: ResponseScript;
  /** Every push that passed the checks and was accepted, in order. */
  readonly accepted: readonly Push[];
  /** How many pushes came in, accepted or not. */
  readonly requestCount: number;
  readonly connections: ServerConnections;
  close(): Promise<void>;
}

/** Makes the server listen on a free port of localhost. Returns its origin, its connections, and how to close it. */
export async function listen(server: Server | Http2SecureServer, tls: TlsCertificate) {
  const connections = new ServerConnections();
  server.on('secureConnection', (socket: Socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    connections.closeAll();
    await new Promise((resolve) => server.close(resolve));
    await tls.release();
  };
  return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, connections, close };
}

export async function readBody(request: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends the response over HTTP, after `afterMs` where it has one. */
export function respond(
  response: ServerResponse | Http2ServerResponse,
  reply: ProviderResponse,
  headers: Record<string, string> = {},
): void {
  if (reply === 'no-response') return;
  if (reply === 'disconnect' || reply === 'ok') return disconnect(response);
  const send = (): void => {
    response.writeHead(reply.status, { ...headers, ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}));
  };
  if (reply.afterMs === undefined) send();
  else setTimeout(send, reply.afterMs).unref();
}

/** Over HTTP/2 `destroy` would end one stream alone. */
function disconnect(response: ServerResponse | Http2ServerResponse): void {
  if ('stream' in response) response.stream.session?.destroy();
  else response.destroy();
}
