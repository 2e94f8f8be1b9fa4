import type { Envelope, FrontPage } from '@usher/client';
import { button, element, setText } from '../dom.js';
import { poster } from './poster.js';
import { formatTitle } from './shows.js';

const MAX_CARDS = 8;

export interface RecommendationsRowHandlers {
  readonly onPlay: (showId: string) => void;
  readonly onSeen: (event: Envelope) => void;
}

/** Shows the newest recommendations in one row. */
export class RecommendationsRow {
  readonly root: HTMLElement;
  private readonly created = element('span', { class: 'created' });
  private readonly row = element('ul', { class: 'row' });
  private readonly badge: HTMLButtonElement;
  private renderedVersion: unknown;
  private unseenEvent: Envelope | undefined;

  constructor(
    deviceName: string,
    private readonly handlers: RecommendationsRowHandlers,
  ) {
    this.badge = button('New', () => this.markSeen(), {
      class: 'new',
      title: 'Mark as seen on all screens',
      hidden: '',
    });
    this.row.setAttribute('aria-label', `Tonight’s recommendations on ${deviceName}`);
    this.row.tabIndex = 0; // it scrolls sideways, and must do so by keyboard
    const heading = element('h3', {}, 'Tonight for you');
    this.root = element(
      'div',
      { class: 'recommendations' },
      element('div', { class: 'recommendations-head' }, heading, this.badge, this.created),
      this.row,
    );
    this.row.append(element('li', { class: 'empty' }, 'Nothing yet: run tonight’s recommendations.'));
  }

  render(page: FrontPage | undefined, isUnplugged: boolean): void {
    if (page?.items && page.version !== this.renderedVersion) this.renderCards(page);
    this.root.inert = isUnplugged; // as all of a device without power
  }

  /** Shows the badge for a front page that nobody has seen yet. */
  showBadge(event: Envelope): void {
    this.unseenEvent = event;
    this.badge.hidden = false;
  }

  /** Hides the badge if its event is among these, which were seen on another device. */
  hideBadge(seenIds: readonly string[]): void {
    if (this.unseenEvent && seenIds.includes(this.unseenEvent.id)) this.clearBadge();
  }

  private markSeen(): void {
    if (this.unseenEvent) this.handlers.onSeen(this.unseenEvent);
    this.clearBadge();
  }

  private clearBadge(): void {
    this.unseenEvent = undefined;
    this.badge.hidden = true;
  }

  private renderCards({ version, items }: FrontPage): void {
    this.renderedVersion = version;
    setText(
      this.created,
      typeof version === 'number' ? `made ${new Date(version).toLocaleTimeString('en-GB')}` : version,
    );
    const shows = (items ?? []).flatMap((item) => parseShow(item) ?? []).slice(0, MAX_CARDS);
    this.row.replaceChildren(...shows.map((show, index) => this.createCard(show, index)));
    this.row.scrollLeft = 0;
  }

  private createCard({ showId, because }: RecommendedShow, index: number): HTMLLIElement {
    const play = () => {
      this.markSeen();
      this.handlers.onPlay(showId);
    };
    const card = button('', play, { class: 'card', title: because });
    card.append(poster(showId), element('span', {}, formatTitle(showId)));
    const item = element('li', { class: 'arrives' }, card);
    item.style.setProperty('--index', String(index));
    return item;
  }
}

interface RecommendedShow {
  readonly showId: string;
  readonly because: string;
}

/** The items are whatever the nightly job wrote. Returns undefined for one without a show. */
function parseShow(item: unknown): RecommendedShow | undefined {
  if (typeof item !== 'object' || item === null || !('showId' in item) || typeof item.showId !== 'string')
    return undefined;
  return { showId: item.showId, because: 'because' in item ? String(item.because) : '' };
}
