import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { deriveKey } from '../../platform/crypto/aes-gcm.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Problem } from '../../platform/http/problem.js';
import { messageUnsubscribed } from '../message.js';
import { CountedMessageStore } from '../queue/counted-message.store.js';
import { OptOutStore } from './opt-out.store.js';
import { readUnsubscription, signUnsubscription, type Unsubscription } from './unsubscribe-token.js';

/** Below PUBLIC_URL. Signed as a webhook is, and limited as one: nobody who follows it has credentials. */
export const UNSUBSCRIBE_PATH = '/v1/webhooks/unsubscribe';

/** Makes the links by which mails are unsubscribed from, and does what they say. */
@Injectable()
export class UnsubscribeLinksService {
  private readonly keys: readonly Uint8Array[];
  private readonly publicUrl: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly optOuts: OptOutStore,
    private readonly counted: CountedMessageStore,
    private readonly bus: EventBusService,
  ) {
    this.keys = config.CONTACT_KEY.map((secret) =>
      deriveKey({ secret, salt: '', info: 'usher unsubscribe' }),
    );
    this.publicUrl = config.PUBLIC_URL ?? '';
  }

  /** Returns the link for an address and a category, in a mail. The token is in the query, which is not logged. */
  linkFor(whom: Unsubscription): string {
    const [key] = this.keys;
    if (!key) throw new Error('CONTACT_KEY is needed to sign links');
    return `${this.publicUrl}${UNSUBSCRIBE_PATH}?token=${signUnsubscription(whom, key)}`;
  }

  /** Throws Problem signature_invalid unless we made the token. */
  check(token: string): Unsubscription {
    const whom = readUnsubscription(token, this.keys);
    if (!whom) throw new Problem('signature_invalid', 'This is no link of ours, or not all of it.');
    return whom;
  }

  /** Ends mails of the category to the address. Any number of times. Throws as `check` does. */
  async unsubscribe(token: string): Promise<void> {
    const { messageId, ...whom } = this.check(token);
    await this.optOuts.add({ channel: 'email', ...whom, source: 'link' });
    const message = messageId === undefined ? undefined : await this.counted.find(messageId);
    if (message) this.bus.publish(messageUnsubscribed, message);
  }
}
