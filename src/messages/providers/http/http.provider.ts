import { z } from 'zod';
import type { Config } from '../../../platform/config/config.js';
import {
  misconfigured,
  rejected,
  retry,
  retryAfterMs,
  type SendResult,
} from '../../../platform/sending/send-result.js';
import { JsonApiClient, type JsonResponse } from '../json-api.client.js';
import type { MessageProvider, MessageProviderDefinition, OutgoingMessage } from '../message-provider.js';

const taken = z.object({ id: z.string().min(1).max(255) });

/** Sends texts to any provider that takes them as JSON, or to something of yours between Usher and one that does not. */
export class HttpProvider implements MessageProvider {
  constructor(
    private readonly client: JsonApiClient,
    private readonly path: string,
  ) {}

  upstreamOf(): string {
    return 'http';
  }

  async send({ id, to, sender, text, statusUrl }: OutgoingMessage, signal: AbortSignal): Promise<SendResult> {
    const body = JSON.stringify({ messageId: id, to, from: sender, text, statusUrl });
    return httpResult(await this.client.post(this.path, 'application/json', body, signal));
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** What a response means: 2xx taken, 401 and 403 our fault, 429 and 5xx later, all others never. */
function httpResult({ status, headers, body }: JsonResponse): SendResult {
  if (status >= 200 && status < 300) {
    const id = taken.safeParse(body).data?.id;
    return id === undefined ? { is: 'delivered' } : { is: 'delivered', id };
  }
  if (status === 401 || status === 403) return misconfigured(`status_${status}`);
  if (status === 429 || status >= 500)
    return retry(`status_${status}`, retryAfterMs(headers['retry-after'], Date.now()));
  return rejected(`status_${status}`);
}

/** Texts by a provider that speaks JSON. */
export const httpSms: MessageProviderDefinition = {
  name: 'http',
  channel: 'sms',
  statusPath: '/v1/webhooks/messages',
  isConfigured: ({ SMS_HTTP_URL, SMS_HTTP_TOKEN }) =>
    SMS_HTTP_URL !== undefined && SMS_HTTP_TOKEN !== undefined,
  create({ SMS_HTTP_URL, SMS_HTTP_TOKEN }: Config) {
    if (SMS_HTTP_URL === undefined || SMS_HTTP_TOKEN === undefined) return undefined;
    const { origin, pathname, search } = new URL(SMS_HTTP_URL);
    return new HttpProvider(new JsonApiClient(origin, `Bearer ${SMS_HTTP_TOKEN}`), `${pathname}${search}`);
  },
};
