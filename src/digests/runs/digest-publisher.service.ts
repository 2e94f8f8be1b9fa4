import { Inject, Injectable } from '@nestjs/common';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { builtInEvent, type Envelope } from '../../mailbox/events/event.js';
import {
  EVENT_MESSAGES,
  type EventMessages,
  type NewEventMessage,
} from '../../mailbox/events/event-messages.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import type { NotificationText } from '../../templates/template.js';
import type { NamedDigest } from '../definitions/digest-definition.js';
import { chooseChannels } from './choose-channels.js';
import { type CollectedEvents, digestContent } from './digest-content.js';
import { DigestRunStore } from './digest-run.store.js';

/** A text or mail is of no use for longer. */
const OF_USE_MS = 86_400_000;

/** What is told to one user. */
export interface DigestToTell {
  readonly userId: string;
  readonly localDate: string;
  /** Null where none is known. */
  readonly locale: string | null;
  /** As they were set; null for a user who has set none. */
  readonly preferences: Preferences | null;
  readonly collected: CollectedEvents;
}

/** Publishes digests, in the words of their templates, and has them sent by the first channel that each user has. */
@Injectable()
export class DigestPublisherService {
  constructor(
    private readonly mailbox: MailboxService,
    private readonly templates: TemplateCatalogService,
    private readonly runs: DigestRunStore,
    @Inject(EVENT_MESSAGES) private readonly messages: EventMessages,
  ) {}

  /** Publishes in somebody's transaction. Returns the events by user. */
  async publish(
    tx: Transaction,
    digest: NamedDigest,
    all: readonly DigestToTell[],
    now: Date,
  ): Promise<ReadonlyMap<string, Envelope>> {
    const channels = await this.channelsOf(tx, digest, all);
    const events = all.map((one) => {
      const event = builtInEvent('digest.ready', { userId: one.userId, data: this.contentOf(digest, one) });
      return { ...event, isPushed: !channels.has(one.userId) };
    });
    const envelopes = await this.mailbox.append(tx, events);
    const published = new Map(envelopes.map((envelope, n) => [events[n]?.userId ?? '', envelope]));
    const expiresAt = new Date(now.getTime() + OF_USE_MS);
    const messages = [...channels].flatMap(([userId, wanted]): NewEventMessage[] => {
      const envelope = published.get(userId);
      if (!envelope) return [];
      const { id: eventId, type, key } = envelope;
      return [{ userId, eventId, type, key, tier: 'important', channels: wanted, expiresAt }];
    });
    if (messages.length > 0) await this.messages.enqueueOfEvents(tx, messages);
    return published;
  }

  /** Returns the `data` of a digest's event. */
  contentOf(digest: NamedDigest, told: Pick<DigestToTell, 'localDate' | 'locale' | 'collected'>) {
    const { localDate, locale, collected } = told;
    return digestContent(digest, localDate, collected, (data) => this.wordsOf(locale, data));
  }

  /** Returns the users who get a text or mail, and by which channels; all others are pushed. */
  private async channelsOf(
    tx: Transaction,
    { channels = ['push'] }: NamedDigest,
    all: readonly DigestToTell[],
  ): Promise<ReadonlyMap<string, NewEventMessage['channels']>> {
    if (all.length === 0 || (channels[0] === 'push' && channels.length === 1)) return new Map();
    const reach = await this.runs.reachOf(
      tx,
      all.map(({ userId }) => userId),
    );
    return new Map(
      all.flatMap(({ userId, preferences }): [string, NewEventMessage['channels']][] => {
        const of = reach.get(userId);
        const wanted = of && chooseChannels(channels, of, preferences ?? undefined);
        return wanted ? [[userId, wanted]] : [];
      }),
    );
  }

  private wordsOf(locale: string | null, data: { readonly digest: string }): NotificationText {
    const rendered = this.templates.renderEvent({ type: 'digest.ready', data }, 'push', locale);
    return rendered?.channel === 'push' ? rendered.words : { title: data.digest, body: '' };
  }
}
