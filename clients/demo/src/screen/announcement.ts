import type { Envelope } from '@usher/client';
import { button, element, setText } from '../dom.js';

/** Shows the newest event of the service's own, until somebody has seen it on any device. */
export class Announcement {
  readonly root = element('div', { class: 'announcement', role: 'status', hidden: '' });
  private readonly text = element('span');
  private unseenEvent: Envelope | undefined;

  constructor(private readonly onSeen: (event: Envelope) => void) {
    const dismiss = button('Dismiss', () => this.markSeen(), {
      class: 'quiet',
      title: 'Mark as seen on all screens',
    });
    this.root.append(this.text, dismiss);
  }

  show(event: Envelope): void {
    const title = getTitle(event.data);
    if (title === undefined) return;
    this.unseenEvent = event;
    setText(this.text, title);
    this.root.hidden = false;
  }

  /** Hides it if its event is among these, which were seen on another device. */
  hide(seenIds: readonly string[]): void {
    if (this.unseenEvent && seenIds.includes(this.unseenEvent.id)) this.clear();
  }

  private markSeen(): void {
    if (this.unseenEvent) this.onSeen(this.unseenEvent);
    this.clear();
  }

  private clear(): void {
    this.unseenEvent = undefined;
    this.root.hidden = true;
  }
}

function getTitle(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('title' in data)) return undefined;
  return typeof data.title === 'string' ? data.title : undefined;
}
