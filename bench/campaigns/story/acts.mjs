/*
 * What people do with what they get, each by a chance that follows from the seed: they see and tap pushes, open and follow mails, some of them twice,
 * unsubscribe, and do what the campaign hopes for. Noted is what Usher must count: each once.
 */
import { chanceOf } from './random.mjs';
import { hasOnlyApp, mailboxAt, tokenOf } from './people.mjs';

const AT_ONCE = 16;
const BROWSER = {
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
};
const CAMPAIGN = { campaign: 'advent', template: 'advent' };
export const GOAL = 'show.started';

/** `publicUrl`: with which links begin; they lead to `api`, the node that people call, once it is there. */
export class Acts {
  #queue = [];
  #running = 0;
  #failure;
  #reached = { push: new Map(), email: new Map() };
  #done = {
    seen: new Set(),
    opened: new Set(),
    tapped: new Set(),
    converted: new Set(),
    unsubscribed: new Set(),
  };
  /** What came once more with the id that it had before. */
  again = { push: 0, email: 0 };
  /** What came once more, with another id: nothing may. */
  doubled = 0;

  constructor({ client, seed, publicUrl }) {
    Object.assign(this, { client, seed, publicUrl });
  }

  /** How many there are of what. */
  get counts() {
    const { push, email } = this.#reached;
    const { seen, opened, tapped, converted, unsubscribed } = this.#done;
    return {
      'queued: push': push.size,
      'queued: email': email.size,
      'delivered: push': push.size,
      'delivered: email': email.size,
      'delivered: app': seen.size,
      opened: opened.size,
      tapped: tapped.size,
      converted: converted.size,
      unsubscribed: unsubscribed.size,
    };
  }

  /** Whether a provider has a push to this user, or the mail with this id. */
  hasReached({ userId, messageId }) {
    const mails = [...this.#reached.email.values()];
    return userId === undefined
      ? mails.some((id) => id.startsWith(`${messageId}@`))
      : this.#reached.push.has(`phone-${userId.slice(1)}`);
  }

  /** A push came. */
  onPush({ to, type, eventId, collapseId }) {
    if (type !== 'campaign.message' || !this.#isFirst('push', to, `${eventId} ${collapseId}`)) return;
    const userId = `u${to.slice('phone-'.length)}`;
    this.#maybe(0.5, `${userId} sees`, () => this.#see(userId, 'phone', eventId));
    this.#maybe(0.3, `${userId} taps`, () => this.#tap(userId));
    this.#maybe(0.1, `${userId} converts`, () => this.#convert(userId));
  }

  /** A mail came. */
  onMail({ to, messageId, html, unsubscribe }) {
    if (!this.#isFirst('email', mailboxAt(to), messageId)) return;
    const [, link] = /href="([^"]+\/t\/[^"]+)"/.exec(html) ?? [];
    const [, pixel] = /src="([^"]+\/t\/[^"]+)"/.exec(html) ?? [];
    this.#maybe(0.4, `${messageId} opens`, () => this.#follow('opened', messageId, pixel));
    this.#maybe(0.2, `${messageId} follows`, () => this.#follow('tapped', messageId, link));
    this.#maybe(0.05, `${messageId} unsubscribes`, () =>
      this.#follow('unsubscribed', messageId, unsubscribe, 'POST'),
    );
    this.#maybe(0.1, `${messageId} converts`, () => this.#convertReader(messageId));
  }

  /** People whom only the app tells open it: half of them. */
  openApps(people) {
    for (let n = 1; n <= people; n += 1)
      if (hasOnlyApp(n)) this.#maybe(0.5, `u${n} opens`, () => this.#openApp(`u${n}`));
  }

  /** Throws what went wrong. */
  check() {
    if (this.#failure) throw this.#failure;
  }

  /** Whether everybody has done what they want to. */
  get areDone() {
    return this.#queue.length === 0 && this.#running === 0;
  }

  #isFirst(channel, whom, id) {
    const before = this.#reached[channel].get(whom);
    if (before === undefined) this.#reached[channel].set(whom, id);
    else if (before === id) this.again[channel] += 1;
    else this.doubled += 1;
    return before === undefined;
  }

  #maybe(share, what, act) {
    if (chanceOf(this.seed, what) < share) this.#queue.push(act);
    this.#next();
  }

  #next() {
    while (this.#running < AT_ONCE && this.#queue.length > 0) {
      this.#running += 1;
      const act = this.#queue.shift();
      act()
        .catch((error) => (this.#failure ??= error))
        .finally(() => {
          this.#running -= 1;
          this.#next();
        });
    }
  }

  async #see(userId, deviceId, eventId) {
    const body = { deviceId, ids: [eventId], state: 'seen' };
    await this.api.call('POST', '/v1/me/receipts', body, tokenOf(userId));
    this.#done.seen.add(userId);
  }

  /** Each third app sends it twice. */
  async #tap(userId) {
    const at = new Date().toISOString();
    const event = {
      id: `tap of ${userId}`,
      kind: 'tapped',
      at,
      ...CAMPAIGN,
      channel: 'push',
      platform: 'ios',
    };
    const times = chanceOf(this.seed, `${userId} again`) < 1 / 3 ? 2 : 1;
    for (let n = 0; n < times; n += 1)
      await this.api.call('POST', '/v1/me/engagement', { events: [event] }, tokenOf(userId));
    this.#done.tapped.add(userId);
  }

  /** Twice: it counts once. */
  async #convert(userId) {
    const event = { userId, type: GOAL, tier: 'important', data: {} };
    await this.api.call('POST', '/v1/events', { events: [event, event] });
    this.#done.converted.add(userId);
  }

  async #convertReader(messageId) {
    const { rows } = await this.client.query('SELECT user_id AS "userId" FROM message WHERE id = $1', [
      messageId.replace(/@.*/, ''),
    ]);
    await this.#convert(rows[0].userId);
  }

  /** Twice: a link counts once. */
  async #follow(kind, messageId, address, method = 'GET') {
    const url = address.replace(this.publicUrl, this.api.url);
    for (let n = 0; n < 2; n += 1) {
      const response = await fetch(url, { method, headers: BROWSER, redirect: 'manual' });
      await response.arrayBuffer();
      if (response.status >= 400) throw new Error(`${kind}: ${response.status} for a link of a mail`);
    }
    this.#done[kind].add(messageId);
  }

  async #openApp(userId) {
    const { entries } = await this.api.call('GET', '/v1/me/entries', undefined, tokenOf(userId));
    const event = entries.find(({ type }) => type === 'campaign.message');
    if (!event) throw new Error(`${userId} has no event of the campaign`);
    await this.#see(userId, 'tv', event.id);
  }
}
