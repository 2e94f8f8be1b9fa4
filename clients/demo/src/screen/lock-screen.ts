import { button, element, setText } from '../dom.js';
import { RequestError, type Session } from '../session.js';

/** What the server's fake push service would show on this phone, newest first. */
interface LockScreenContent {
  readonly notes: readonly PushNotification[];
  readonly badge: number;
}

interface PushNotification {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly at: string;
}

interface LockScreenOptions {
  /** Returns what its clock shows. */
  readonly getTime: () => Date;
  /** A person opens the app. */
  readonly onOpen: () => void;
}

const POLL_INTERVAL_MS = 1_000;
const MAX_NOTIFICATIONS = 4;

/** Shows the phone while it is unplugged: a clock, and the notifications that were pushed to it. Tapping one opens the app. */
export class LockScreen {
  readonly root = element('div', { class: 'lock-screen', role: 'group', 'aria-label': 'Lock screen' });
  private readonly time = element('p', { class: 'lock-time' });
  private readonly day = element('p', { class: 'lock-day' });
  private readonly list = element('ul', { class: 'lock-notes', 'aria-live': 'polite' });
  private readonly hint = element('p', { class: 'lock-hint' }, 'Asleep. What matters comes as a push.');
  private readonly badge = element('span', { class: 'lock-badge' });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renderedIds = '';
  /** Opening the app has cleared the notifications before this time. */
  private shownSince = 0;

  constructor(
    private readonly session: Session,
    private readonly deviceId: string,
    private readonly options: LockScreenOptions,
  ) {
    const head = element('div', { class: 'lock-head' }, this.time, this.day, this.badge);
    this.root.append(head, this.list, this.hint);
    this.root.hidden = true;
  }

  /** The push address of the phone. */
  get push() {
    return { kind: 'fcm_token', address: `lock-screen:${this.deviceId}` } as const;
  }

  setVisible(isVisible: boolean): void {
    if (isVisible === !this.root.hidden) return;
    this.root.hidden = !isVisible;
    clearTimeout(this.timer);
    this.shownSince = Date.now();
    if (isVisible) void this.poll();
  }

  private async poll(): Promise<void> {
    const content = await this.session
      .callBackEnd<LockScreenContent>('/dev/lock-screen', { address: this.push.address })
      .catch(() => undefined);
    if (this.root.hidden) return;
    if (content) this.render(content);
    this.timer = setTimeout(() => void this.poll(), POLL_INTERVAL_MS);
  }

  private render({ notes, badge }: LockScreenContent): void {
    const current = notes.filter(({ at }) => Date.parse(at) >= this.shownSince);
    const now = this.options.getTime();
    setText(this.time, now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false }));
    setText(this.day, now.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' }));
    setText(this.badge, String(badge));
    this.badge.hidden = badge === 0 || current.length === 0;
    this.badge.title = `Badge of the app: ${badge} not seen`;
    this.hint.hidden = current.length > 0;
    const ids = current.map(({ id }) => id).join();
    if (ids === this.renderedIds) return;
    this.renderedIds = ids;
    const cards = current.slice(0, MAX_NOTIFICATIONS).map((each) => this.createCard(each));
    this.list.replaceChildren(...cards.map((card) => element('li', {}, card)));
  }

  private createCard(notification: PushNotification): HTMLElement {
    const card = button('', () => void this.open(notification), { class: 'lock-note' });
    const time = new Date(notification.at).toLocaleTimeString([], {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hour12: false,
    });
    card.append(
      element('span', { class: 'lock-app' }, element('b', {}, 'USHER'), element('time', {}, time)),
      element('strong', {}, notification.title),
      element('span', {}, notification.body),
    );
    return card;
  }

  /** Sends the receipt over HTTP, because the app's socket is not connected yet, and opens the app. */
  private async open({ id }: PushNotification): Promise<void> {
    const receipt = { deviceId: this.deviceId, ids: [id], state: 'seen' };
    await this.session.callApi('POST', '/v1/me/receipts', receipt).catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error;
    });
    this.options.onOpen();
  }
}
