import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { twilioSignature } from '../../messages/inbound/twilio-signature.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { OwnApiClient } from '../own-api.client.js';
import { FAR_ENDS, type FarEnds } from './far-ends.js';
import type { InboxText } from './text-provider.js';

/** Posts to this node what Twilio would: what became of a text, and a text that somebody sent. Signed as Twilio signs. */
@Injectable()
export class TwilioReportsSender {
  constructor(
    private readonly api: OwnApiClient,
    @Inject(FAR_ENDS) private readonly farEnds: FarEnds,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Reports that the text is on its phone. */
  async reportDelivered({ id, statusUrl }: InboxText): Promise<void> {
    const { pathname, search } = new URL(statusUrl);
    await this.post(`${pathname}${search}`, { MessageSid: id, MessageStatus: 'delivered' });
  }

  /** Posts a text from this number. Returns the reply, if there is one. */
  async sendFrom(number: string, text: string): Promise<string | undefined> {
    const fields = { MessageSid: `SM${randomUUID().replaceAll('-', '')}`, From: number, Body: text };
    const twiml = await this.post('/v1/webhooks/twilio', fields);
    return /<Message>(.*)<\/Message>/s.exec(twiml)?.[1];
  }

  private async post(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const form = new URLSearchParams(fields);
    const url = `${this.config.PUBLIC_URL ?? ''}${path}`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': twilioSignature(url, form, this.farEnds.account.token).toString('base64'),
    };
    const body = form.toString();
    return (await this.api.send({ method: 'POST', path, headers, body })).text;
  }
}
