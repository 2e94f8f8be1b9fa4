import type { Config } from '../../../platform/config/config.js';
import type { SendResult } from '../../../platform/sending/send-result.js';
import { JsonApiClient } from '../json-api.client.js';
import type { MessageProvider, MessageProviderDefinition, OutgoingMessage } from '../message-provider.js';
import { twilioResult } from './twilio-result.js';

/** Sends texts by Twilio's REST API: one call, for which its library of 20 MB is not needed. */
export class TwilioProvider implements MessageProvider {
  constructor(
    private readonly client: JsonApiClient,
    private readonly accountSid: string,
  ) {}

  upstreamOf(): string {
    return 'twilio';
  }

  async send(
    { to, sender = '', text, statusUrl }: OutgoingMessage,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const from = sender.startsWith('MG') ? { MessagingServiceSid: sender } : { From: sender };
    const form = new URLSearchParams({ To: to, ...from, Body: text, StatusCallback: statusUrl });
    const { status, headers, body } = await this.client.post(
      `/2010-04-01/Accounts/${this.accountSid}/Messages.json`,
      'application/x-www-form-urlencoded',
      form.toString(),
      signal,
    );
    return twilioResult({ status, retryAfter: headers['retry-after'], body });
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** Texts by Twilio. */
export const twilio: MessageProviderDefinition = {
  name: 'twilio',
  channel: 'sms',
  statusPath: '/v1/webhooks/twilio-status',
  isConfigured: ({ TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN }) =>
    TWILIO_ACCOUNT_SID !== undefined && TWILIO_AUTH_TOKEN !== undefined,
  create({ TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_ORIGIN }: Config) {
    if (TWILIO_ACCOUNT_SID === undefined || TWILIO_AUTH_TOKEN === undefined) return undefined;
    const basic = Buffer.from(`${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}`).toString('base64');
    return new TwilioProvider(new JsonApiClient(TWILIO_ORIGIN, `Basic ${basic}`), TWILIO_ACCOUNT_SID);
  },
};
