import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ProviderResponse, readBody, respond, ResponseScript } from './fake-push-provider.js';

/** A text that was accepted. */
export interface ReceivedText {
  /** What the provider calls it. */
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly text: string;
  readonly statusUrl: string;
}

/** A provider of texts: Twilio's REST API, and below /plain one that speaks JSON. */
export interface FakeSmsProvider {
  readonly origin: string;
  readonly texts: readonly ReceivedText[];
  /** How many texts came in, accepted or not. */
  readonly requestCount: number;
  readonly responses: ResponseScript;
  close(): Promise<void>;
}

export const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
export const AUTH_TOKEN = 'auth token of the account';
export const PLAIN_TOKEN = 'token of the plain provider';

/** Starts one. */
export async function startFakeSmsProvider(): Promise<FakeSmsProvider> {
  const texts: ReceivedText[] = [];
  const responses = new ResponseScript();
  let requestCount = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const body = (await readBody(request)).toString('utf8');
      requestCount += 1;
      const text = request.url === '/plain' ? readPlain(request, body) : readTwilio(request, body);
      if (text === undefined) return respond(response, { status: 401, body: { code: 20_003 } });
      const reply: ProviderResponse = responses.take(text.to);
      if (reply !== 'ok') return respond(response, reply);
      texts.push(text);
      return respond(response, { status: 201, body: { sid: text.id, id: text.id, status: 'queued' } });
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    texts,
    get requestCount() {
      return requestCount;
    },
    responses,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function readTwilio({ url, headers }: IncomingMessage, body: string): ReceivedText | undefined {
  const basic = Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64');
  const isOurs =
    url === `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json` && headers.authorization === `Basic ${basic}`;
  const form = new URLSearchParams(body);
  const field = (name: string) => form.get(name) ?? '';
  return isOurs
    ? {
        id: `SM${randomUUID().replaceAll('-', '')}`,
        to: field('To'),
        from: field('From'),
        text: field('Body'),
        statusUrl: field('StatusCallback'),
      }
    : undefined;
}

function readPlain({ headers }: IncomingMessage, body: string): ReceivedText | undefined {
  if (headers.authorization !== `Bearer ${PLAIN_TOKEN}`) return undefined;
  const { to, from, text, statusUrl } = JSON.parse(body) as Omit<ReceivedText, 'id'>;
  return { id: randomUUID(), to, from, text, statusUrl };
}

/** Posts a form as Twilio does and signs it, to the node at `url`, which Twilio knows as `publicUrl`. */
export async function postAsTwilio(
  target: { readonly url: string; readonly publicUrl: string; readonly path: string },
  fields: Record<string, string>,
  token = AUTH_TOKEN,
): Promise<{ readonly status: number; readonly text: string }> {
  const signed =
    target.publicUrl +
    target.path +
    Object.keys(fields)
      .toSorted()
      .map((name) => name + fields[name])
      .join('');
  const response = await fetch(target.url + target.path, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': createHmac('sha1', token).update(signed).digest('base64'),
    },
    body: new URLSearchParams(fields).toString(),
  });
  return { status: response.status, text: await response.text() };
}
