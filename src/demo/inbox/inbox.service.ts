import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { PrimaryLinkService } from '../../platform/processes/primary-link.service.js';
import { FAR_ENDS, type FarEnds, type InboxItem } from '../far-ends/far-ends.js';
import { TwilioReportsSender } from '../far-ends/twilio-reports.sender.js';

const MAX_ADDRESSES = 1_000;
/** Mails or texts of one address that are kept. */
const MAX_KEPT = 30;
const TOPIC = 'inbox';

/** Keeps in memory what has come in for mail addresses and numbers. One that comes again is shown once. */
@Injectable()
export class InboxService implements OnApplicationShutdown {
  private readonly log = new Logger('demo inbox');
  private readonly byAddress = new LRUCache<string, InboxItem[]>({ max: MAX_ADDRESSES });

  constructor(
    @Inject(FAR_ENDS) private readonly farEnds: FarEnds,
    private readonly reports: TwilioReportsSender,
    private readonly primary: PrimaryLinkService,
  ) {
    primary.onBroadcast(TOPIC, (item) => this.keep(item as InboxItem));
    farEnds.onItem((item) => this.receive(item));
  }

  /** Returns what these addresses have, the newest first. */
  list(addresses: readonly string[]): InboxItem[] {
    return addresses
      .flatMap((address) => this.byAddress.get(address) ?? [])
      .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
  }

  /** Returns a mail's HTML; undefined when there is no such mail, or it has none. */
  findHtml(id: string): string | undefined {
    for (const items of this.byAddress.values())
      for (const item of items) if (item.kind === 'mail' && item.id === id) return item.html;
    return undefined;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.farEnds.close();
  }

  private receive(item: InboxItem): void {
    this.keep(item);
    this.primary.broadcast(TOPIC, item);
    if (item.kind === 'text')
      this.reports.reportDelivered(item).catch((error: unknown) => this.log.debug({ err: error }));
  }

  private keep(item: InboxItem): void {
    const others = (this.byAddress.get(item.to) ?? []).filter(({ id }) => id !== item.id);
    this.byAddress.set(item.to, [item, ...others].slice(0, MAX_KEPT));
  }
}
