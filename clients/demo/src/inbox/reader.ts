import { button, element } from '../dom.js';
import type { InboxItem, InboxMail, InboxText } from './inbox-item.js';

/** Links of a mail open in windows of their own; nothing else in it does anything. */
const SANDBOX = 'allow-popups allow-popups-to-escape-sandbox';

/** Shows one mail as its sender wants it to look, or one text as a phone does. */
export class Reader {
  readonly root = element('div', { class: 'reader', role: 'group', 'aria-label': 'What was chosen' });
  private readonly empty = element(
    'p',
    { class: 'explanation' },
    'Mails and texts reach whoever does not open the app. Send one from the back office, or move the clock to 16:59 and wait for the digest.',
  );

  /** @param reply sends a text back; resolves to what is said to that, if anything */
  constructor(private readonly reply: (text: string) => Promise<string | undefined>) {
    this.root.append(this.empty);
  }

  show(item: InboxItem): void {
    this.root.replaceChildren(...(item.kind === 'mail' ? this.mail(item) : this.text(item)));
  }

  private mail({ id, subject, from, text, hasHtml }: InboxMail): HTMLElement[] {
    const head = element(
      'header',
      { class: 'reader-head' },
      element('h3', {}, subject),
      element('p', {}, from),
    );
    if (!hasHtml) return [head, element('p', { class: 'mail-text' }, text)];
    const frame = element('iframe', {
      class: 'mail-frame',
      title: `The mail “${subject}”`,
      sandbox: SANDBOX,
      src: `/dev/inbox/mails/${encodeURIComponent(id)}`,
    });
    return [head, frame];
  }

  private text({ from, text }: InboxText): HTMLElement[] {
    const talk = element('div', { class: 'talk' }, element('p', { class: 'bubble' }, text));
    const buttons = ['STOP', 'START', 'HELP'].map((word) =>
      button(`Reply ${word}`, () => void this.answer(talk, word), { class: 'act' }),
    );
    const head = element('header', { class: 'reader-head' }, element('h3', {}, `Text from ${from}`));
    return [head, talk, element('div', { class: 'acts' }, ...buttons)];
  }

  private async answer(talk: HTMLElement, word: string): Promise<void> {
    talk.append(element('p', { class: 'bubble mine' }, word));
    const said = await this.reply(word).catch(() => 'It was not sent: the server cannot be reached.');
    if (said !== undefined) talk.append(element('p', { class: 'bubble' }, said));
    talk.scrollTop = talk.scrollHeight;
  }
}
