import type { Envelope, FrontPage } from '@usher/client';
import { button, element, say } from './dom.js';
import { titleOf } from './film.js';
import { poster } from './poster.js';

const SHOWN = 8;

export interface FrontPageActs {
  readonly play: (showId: string) => void;
  readonly seen: (event: Envelope) => void;
}

/** Tonight's recommendations, in one row. */
export class FrontPageRow {
  readonly root: HTMLElement;
  private readonly made = element('span', { class: 'made' });
  private readonly row = element('ul', { class: 'row' });
  private readonly badge: HTMLButtonElement;
  private shown: unknown;
  private news: Envelope | undefined;

  constructor(
    deviceName: string,
    private readonly acts: FrontPageActs,
  ) {
    this.badge = button('New', () => this.see(), {
      class: 'new',
      title: 'Mark as seen on all screens',
      hidden: '',
    });
    this.row.setAttribute('aria-label', `Tonight’s recommendations on ${deviceName}`);
    this.row.tabIndex = 0; // it scrolls sideways
    const heading = element('h4', {}, 'Tonight for you');
    this.root = element(
      'div',
      { class: 'front-page' },
      element('div', { class: 'front-head' }, heading, this.badge, this.made),
      this.row,
    );
    this.row.append(element('li', { class: 'empty' }, 'Nothing yet: run tonight’s recommendations.'));
  }

  show(page: FrontPage | undefined, isOff: boolean): void {
    if (page?.items && page.version !== this.shown) this.fill(page);
    for (const card of this.row.querySelectorAll('button')) card.disabled = isOff;
    this.badge.disabled = isOff;
  }

  /** A front page that nobody has seen yet. */
  isNew(event: Envelope): void {
    this.news = event;
    this.badge.hidden = false;
  }

  /** Seen on another device is seen here. */
  wasSeen(ids: readonly string[]): void {
    if (this.news && ids.includes(this.news.id)) this.forget();
  }

  private see(): void {
    if (this.news) this.acts.seen(this.news);
    this.forget();
  }

  private forget(): void {
    this.news = undefined;
    this.badge.hidden = true;
  }

  private fill({ version, items }: FrontPage): void {
    this.shown = version;
    say(
      this.made,
      typeof version === 'number' ? `made ${new Date(version).toLocaleTimeString('en-GB')}` : version,
    );
    const shows = (items ?? []).flatMap((item) => showIn(item) ?? []).slice(0, SHOWN);
    this.row.replaceChildren(...shows.map((show, n) => this.card(show, n)));
    this.row.scrollLeft = 0;
  }

  private card({ showId, because }: Show, place: number): HTMLLIElement {
    const play = () => {
      this.see();
      this.acts.play(showId);
    };
    const card = button('', play, { class: 'card', title: because });
    card.append(poster(showId), element('span', {}, titleOf(showId)));
    const item = element('li', { class: 'arrives' }, card);
    item.style.setProperty('--place', String(place));
    return item;
  }
}

interface Show {
  readonly showId: string;
  readonly because: string;
}

/** The items are whatever the nightly job wrote; what is no show of ours is left out. */
function showIn(item: unknown): Show | undefined {
  if (typeof item !== 'object' || item === null || !('showId' in item) || typeof item.showId !== 'string')
    return undefined;
  return { showId: item.showId, because: 'because' in item ? String(item.because) : '' };
}
