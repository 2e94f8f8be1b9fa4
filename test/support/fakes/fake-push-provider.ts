import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** How a pretend vendor answers one push. `silent` never answers; `cut` ends the connection in the middle. */
export type Reply =
  | 'ok'
  | 'silent'
  | 'cut'
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
      readonly afterMs?: number;
    };

/** What the test wants to be answered: what is to come next, then what an address always gets, then what all get. */
export class Script {
  /** For every push that nothing else was said about. */
  otherwise: Reply = 'ok';
  private readonly coming: Reply[] = [];
  private readonly byAddress = new Map<string, Reply>();

  /** The answers to the next pushes, whatever their address, in order. */
  next(...replies: Reply[]): void {
    this.coming.push(...replies);
  }

  /** The answer to every push to this address. */
  to(address: string, reply: Reply): void {
    this.byAddress.set(address, reply);
  }

  /** Nothing is said any more. */
  clear(): void {
    this.otherwise = 'ok';
    this.coming.length = 0;
    this.byAddress.clear();
  }

  /** Whether every answer of `next` was asked for. */
  get isSpent(): boolean {
    return this.coming.length === 0;
  }

  take(address: string): Reply {
    return this.coming.shift() ?? this.byAddress.get(address) ?? this.otherwise;
  }
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** For PUSH_CA_FILE. */
  readonly file: string;
  /** Removes the file when its last user is gone. */
  release(): Promise<void>;
}

let made: { users: number; certificate: Promise<Omit<Certificate, 'release'>> } | undefined;

/** One certificate for localhost and 127.0.0.1, shared by all pretend vendors of a test: PUSH_CA_FILE names one file. */
export async function certificate(): Promise<Certificate> {
  made ??= { users: 0, certificate: makeCertificate() };
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

async function makeCertificate(): Promise<Omit<Certificate, 'release'>> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const file = join(await mkdtemp(join(tmpdir(), 'usher-pretend-')), 'ca.pem');
  await writeFile(file, cert);
  return { key, cert, file };
}

/** Keeps the sockets of a server, so that a test can cut them and nothing outlives `close`. */
export class Sockets {
  private readonly open = new Set<Socket>();
  /** Connections that were ever accepted. */
  count = 0;

  add(socket: Socket): void {
    this.count += 1;
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  get openNow(): number {
    return this.open.size;
  }

  cut(): void {
    for (const socket of this.open) socket.destroy();
  }
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
