import { button, element, say } from './dom.js';
import { Refusal, type Session } from './session.js';

/** What the server's pretend push vendor shows on this phone, newest first. */
interface Shown {
  readonly notes: readonly Note[];
  readonly badge: number;
}

interface Note {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly at: string;
}

const LOOK_EVERY_MS = 1_000;

/** The phone while it is unplugged: a clock, and what was pushed to it. Tapping a note opens the app. */
export class LockScreen {
  readonly root = element('div', { class: 'lock-screen', role: 'group', 'aria-label': 'Lock screen' });
  private readonly time = element('p', { class: 'lock-time' });
  private readonly day = element('p', { class: 'lock-day' });
  private readonly list = element('ul', { class: 'lock-notes', 'aria-live': 'polite' });
  private readonly hint = element('p', { class: 'lock-hint' }, 'Asleep. What matters comes as a push.');
  private readonly badge = element('span', { class: 'lock-badge' });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawn = '';
  /** An app that was opened has cleared what was shown before. */
  private asleepSince = 0;

  constructor(
    private readonly session: Session,
    private readonly deviceId: string,
    private readonly open: () => void,
  ) {
    const head = element('div', { class: 'lock-head' }, this.time, this.day, this.badge);
    this.root.append(head, this.list, this.hint);
    this.root.hidden = true;
  }

  /** Where the phone is reached while it sleeps. */
  get push() {
    return { kind: 'fcm_token', address: `lock-screen:${this.deviceId}` } as const;
  }

  show(asleep: boolean): void {
    if (asleep === !this.root.hidden) return;
    this.root.hidden = !asleep;
    clearTimeout(this.timer);
    this.asleepSince = Date.now();
    if (asleep) void this.look();
  }

  private async look(): Promise<void> {
    const shown = await this.session
      .act<Shown>('/dev/lock-screen', { address: this.push.address })
      .catch(() => undefined);
    if (this.root.hidden) return;
    if (shown) this.draw(shown);
    this.timer = setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  private draw({ notes: all, badge }: Shown): void {
    const notes = all.filter(({ at }) => Date.parse(at) >= this.asleepSince);
    const now = new Date();
    say(this.time, now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false }));
    say(this.day, now.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' }));
    say(this.badge, String(badge));
    this.badge.hidden = badge === 0 || notes.length === 0;
    this.badge.title = `Badge of the app: ${badge} not seen`;
    this.hint.hidden = notes.length > 0;
    const key = notes.map(({ id }) => id).join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.list.replaceChildren(...notes.slice(0, 4).map((note) => element('li', {}, this.card(note))));
  }

  private card(note: Note): HTMLElement {
    const card = button('', () => void this.tap(note), { class: 'lock-note' });
    const when = new Date(note.at).toLocaleTimeString([], {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hour12: false,
    });
    card.append(
      element('span', { class: 'lock-app' }, element('b', {}, 'USHER'), element('time', {}, when)),
      element('strong', {}, note.title),
      element('span', {}, note.body),
    );
    return card;
  }

  /** The app starts, and says over HTTP what was seen: its socket is not there yet. */
  private async tap({ id }: Note): Promise<void> {
    const seen = { deviceId: this.deviceId, ids: [id], state: 'seen' };
    await this.session.call('POST', '/v1/me/receipts', seen).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
    this.open();
  }
}
