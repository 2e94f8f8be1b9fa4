import { Injectable } from '@nestjs/common';
import { AddressCipherService } from '../../contacts/address-cipher.service.js';
import { ContactsService } from '../../contacts/contacts.service.js';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { readKeyword, type TextKeyword } from '../opt-outs/keywords.js';
import { ALL_CATEGORIES, OptOutStore } from '../opt-outs/opt-out.store.js';
import type { InboundQuery } from './inbound.schema.js';
import { InboundTextStore } from './inbound-text.store.js';

/** A text that somebody sent to a number of ours. */
export interface InboundText {
  readonly provider: string;
  readonly providerId: string;
  readonly from: string;
  readonly text: string;
}

/** Stores texts that come in, and does what their keywords say. */
@Injectable()
export class InboundTextsService {
  constructor(
    private readonly store: InboundTextStore,
    private readonly optOuts: OptOutStore,
    private readonly contacts: ContactsService,
    private readonly ciphers: AddressCipherService,
    private readonly database: Database,
  ) {}

  /** Returns the reply, once the text is stored; undefined where none is due, as for a text that came before. */
  async receive({ provider, providerId, from, text }: InboundText): Promise<string | undefined> {
    const cipher = this.ciphers.require();
    const userIds = await this.contacts.usersOfPhone(from);
    const found = readKeyword(text);
    const row = {
      provider,
      providerId,
      userIds,
      keyword: found?.keyword ?? null,
      sender: cipher.encrypt(from),
      body: cipher.encrypt(text),
    };
    return this.database.transaction('important', async (tx) => {
      if (!(await this.store.add(tx, row)) || !found) return undefined;
      await this.apply(tx, found.keyword, from);
      return found.reply;
    });
  }

  /** Returns a page of texts, the newest first; `next` is the `before` of the next page. */
  async list({ before, limit }: InboundQuery) {
    const cipher = this.ciphers.require();
    const rows = await this.store.list(before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ receivedAt, provider, providerId, userId }) => [
      receivedAt,
      provider,
      providerId,
      userId,
    ]);
    const texts = page.map(({ sender, body, userId, ...others }) => ({
      ...others,
      userId: userId === '' ? null : userId,
      from: cipher.decrypt(sender),
      text: cipher.decrypt(body),
    }));
    return { texts, ...next };
  }

  /** STOP is about the number, whoever has it: all of its users get no more texts there. */
  private async apply(tx: Transaction, keyword: TextKeyword, from: string): Promise<void> {
    const [addressHash, ...others] = this.ciphers.require().hashes(from);
    if (keyword === 'stop')
      await this.optOuts.addIn(tx, {
        channel: 'sms',
        addressHash,
        category: ALL_CATEGORIES,
        source: 'keyword',
      });
    if (keyword === 'start') await this.optOuts.remove(tx, 'sms', [addressHash, ...others]);
  }
}
