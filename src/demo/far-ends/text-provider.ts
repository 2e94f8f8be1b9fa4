import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A text that was given to the provider. */
export interface InboxText {
  readonly kind: 'text';
  /** What the provider calls it. */
  readonly id: string;
  readonly to: string;
  readonly from: string;
  /** ISO 8601. */
  readonly at: string;
  readonly text: string;
  /** Where its status is to be posted. */
  readonly statusUrl: string;
}

/** A provider of texts on the loopback. */
export interface TextProvider {
  /** The value of TWILIO_ORIGIN. */
  readonly origin: string;
  close(): Promise<void>;
}

/** The provider's account. Whoever knows its token can sign reports, and so it is made anew with each start. */
export interface TextAccount {
  readonly sid: string;
  readonly token: string;
}

const MAX_BYTES = 65_536;

/** Starts a provider that takes any text as Twilio's API does; calls `onText` with each. */
export async function startTextProvider(
  account: TextAccount,
  onText: (text: InboxText) => void,
): Promise<TextProvider> {
  const server = createServer((request, response) => {
    take(request, account).then(
      (text) => {
        if (!text) return respond(response, 401, { code: 20_003, message: 'Authenticate' });
        respond(response, 201, { sid: text.id, status: 'queued' });
        return onText(text);
      },
      () => respond(response, 400, { code: 20_001, message: 'Bad request' }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function take(request: IncomingMessage, { sid, token }: TextAccount): Promise<InboxText | undefined> {
  const form = new URLSearchParams(await readText(request));
  const basic = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
  const isOurs = request.url === `/2010-04-01/Accounts/${sid}/Messages.json`;
  if (!isOurs || request.headers.authorization !== basic) return undefined;
  return {
    kind: 'text',
    id: `SM${randomUUID().replaceAll('-', '')}`,
    to: form.get('To') ?? '',
    from: form.get('From') ?? '',
    at: new Date().toISOString(),
    text: form.get('Body') ?? '',
    statusUrl: form.get('StatusCallback') ?? '',
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BYTES) throw new Error('the request is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
