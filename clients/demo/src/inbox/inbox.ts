import { button, element, setText } from '../dom.js';
import type { Session } from '../session.js';
import type { InboxContent, InboxItem } from './inbox-item.js';
import { Reader } from './reader.js';
import type { WallClock } from './wall-clock.js';

const POLL_INTERVAL_MS = 1_000;
const TICK_MS = 500;
const MAX_ITEMS = 8;

/** Shows what reaches the user without the app, mails and texts, and the clock by which digests are due. What comes in opens by itself. */
export class Inbox {
  readonly root: HTMLElement;
  private readonly addresses = element('p', { class: 'inbox-addresses' });
  private readonly day = element('span', { class: 'inbox-day' });
  private readonly time = element('time', { class: 'inbox-time' });
  private readonly list = element('ul', { class: 'inbox-items', 'aria-label': 'Mails and texts' });
  private readonly reader: Reader;
  private items: readonly InboxItem[] = [];
  private chosenId: string | undefined;

  constructor(
    private readonly session: Session,
    private readonly clock: WallClock,
  ) {
    this.reader = new Reader(async (text) => {
      const { reply } = await session.callBackEnd<{ reply: string | null }>('/dev/inbox/reply', { text });
      return reply ?? undefined;
    });
    const clockFace = element(
      'p',
      { class: 'inbox-clock', title: 'The clock by which digests are due. The back office can move it.' },
      this.day,
      this.time,
    );
    const heading = element('h2', { id: 'inbox-title' }, 'Inbox');
    this.root = element(
      'section',
      { class: 'inbox', 'aria-labelledby': 'inbox-title' },
      element('header', { class: 'inbox-head' }, heading, this.addresses, clockFace),
      element('div', { class: 'inbox-body' }, this.list, this.reader.root),
    );
    this.renderItems();
  }

  /** Begins to read what comes in, and goes on for as long as the page is there. */
  start(): void {
    setInterval(() => this.tick(), TICK_MS);
    this.tick();
    void this.poll();
  }

  private async poll(): Promise<void> {
    const content = document.hidden
      ? undefined
      : await this.session.callBackEnd<InboxContent>('/dev/inbox').catch(() => undefined);
    if (content) this.render(content);
    setTimeout(() => void this.poll(), POLL_INTERVAL_MS);
  }

  private render({ now, addresses, items }: InboxContent): void {
    this.clock.set(now);
    setText(this.addresses, addresses.join(' · '));
    const [newest] = items;
    if (newest?.id === this.items[0]?.id) return;
    this.items = items.slice(0, MAX_ITEMS);
    if (newest) this.choose(newest);
  }

  private tick(): void {
    const now = this.clock.now();
    setText(this.day, now.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' }));
    setText(this.time, now.toLocaleTimeString([], { hour12: false }));
  }

  private choose(item: InboxItem): void {
    this.chosenId = item.id;
    this.reader.show(item);
    this.renderItems();
  }

  private renderItems(): void {
    const entries = this.items.map((item) => element('li', {}, this.createEntry(item)));
    const empty = element('li', { class: 'explanation' }, 'Nothing has come in yet.');
    this.list.replaceChildren(...(entries.length > 0 ? entries : [empty]));
  }

  private createEntry(item: InboxItem): HTMLElement {
    const entry = button('', () => this.choose(item), {
      class: 'inbox-item',
      'aria-pressed': String(item.id === this.chosenId),
    });
    const [kind, title] = item.kind === 'mail' ? ['Mail', item.subject] : ['Text', item.text];
    const time = new Date(item.at).toLocaleTimeString([], { hour12: false });
    entry.append(
      element('span', { class: 'inbox-kind' }, kind),
      element('span', { class: 'inbox-item-title' }, title),
      element('time', {}, time),
    );
    return entry;
  }
}
