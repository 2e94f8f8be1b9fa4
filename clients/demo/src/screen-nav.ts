import type { DeviceKind } from './device-identity.js';
import { button, element } from './dom.js';
import type { Screen } from './screen/screen.js';

/**
 * The bar at the bottom of a narrow page, where one screen is shown at a time and stays in sight above the rest. It shows how each screen
 * is, and chooses one.
 */
export class ScreenNav {
  private readonly entries = new Map<DeviceKind, { choice: HTMLButtonElement; fill: HTMLElement }>();

  /** @param screens the element that the screens are in */
  constructor(
    private readonly nav: HTMLElement,
    private readonly screens: HTMLElement,
  ) {}

  addScreen({ kind }: Screen): void {
    const fill = element('span', { class: 'fill' });
    const choice = button('', () => this.choose(kind));
    choice.append(element('span', {}, SHORT_NAMES[kind]), element('span', { class: 'mini' }, fill));
    this.entries.set(kind, { choice, fill });
    this.nav.append(choice);
    if (this.entries.size === 1) this.choose(kind);
  }

  render(screen: Screen): void {
    const entry = this.entries.get(screen.kind);
    if (!entry) return;
    const { position, durationSeconds, motion } = screen.playerViewModel;
    entry.fill.style.setProperty('--at', String(Math.min(1, position.positionSeconds / durationSeconds)));
    entry.choice.dataset['motion'] = motion;
    entry.choice.dataset['connection'] = screen.device.connection;
  }

  private choose(kind: DeviceKind): void {
    this.screens.dataset['chosen'] = kind;
    for (const [each, { choice }] of this.entries) choice.setAttribute('aria-pressed', String(each === kind));
  }
}

const SHORT_NAMES = { tv: 'TV', phone: 'Phone', browser: 'Browser' } as const;
