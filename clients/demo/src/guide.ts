import type { ActionId } from './back-office/actions.js';
import { element, setText } from './dom.js';
import { GUIDE_STEPS, type GuideFacts, type GuideStep } from './guide-steps.js';

/** Leads through the first steps. A step that was done once stays done, in this tab also after a reload. */
export class Guide {
  readonly root: HTMLElement;
  private readonly text = element('p', { class: 'guide-text', role: 'status' });
  private readonly items: readonly HTMLLIElement[];
  private readonly storageKey: string;
  private readonly done: Set<string>;

  constructor(userId: string) {
    this.storageKey = `usher guide ${userId}`;
    this.done = new Set(sessionStorage.getItem(this.storageKey)?.split(' '));
    this.items = GUIDE_STEPS.map(() => element('li'));
    this.root = element(
      'section',
      { class: 'guide', 'aria-label': 'First steps' },
      element('ol', { class: 'guide-steps' }, ...this.items),
      this.text,
    );
  }

  /** Returns the action of the back office that comes next, if one does. */
  render(facts: GuideFacts): ActionId | undefined {
    this.markDone(facts);
    const current = GUIDE_STEPS.find(({ id }) => !this.done.has(id));
    GUIDE_STEPS.forEach((step, n) => this.renderItem(step, this.items[n], current));
    this.renderText(current, facts);
    return current?.action?.(facts);
  }

  private markDone(facts: GuideFacts): void {
    const before = this.done.size;
    for (const { id, isDone } of GUIDE_STEPS) if (isDone(facts)) this.done.add(id);
    if (this.done.size > before) sessionStorage.setItem(this.storageKey, [...this.done].join(' '));
  }

  private renderItem({ id, title }: GuideStep, item: HTMLLIElement | undefined, current?: GuideStep): void {
    if (!item) return;
    const isCurrent = id === current?.id;
    item.dataset['state'] = isCurrent ? 'current' : this.done.has(id) ? 'done' : 'open';
    if (isCurrent) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
    setText(item, this.done.has(id) ? `✓ ${title}` : title);
  }

  private renderText(current: GuideStep | undefined, facts: GuideFacts): void {
    if (!current) return this.renderEnd();
    setText(this.text, current.text(facts));
  }

  private renderEnd(): void {
    if (this.text.querySelector('a')) return;
    this.text.replaceChildren(
      'That was all of it. Do the same from your own code: ',
      element('a', { href: '/docs/start/web-app', target: '_blank', rel: 'noopener' }, 'your first page'),
      '.',
    );
  }
}
