import { element } from './dom.js';
import type { Screen } from './screen/screen.js';

/** The bar at the bottom of a narrow page, where the screens are stacked. It shows each screen's position and links to it. */
export class ScreenNav {
  private readonly entries = new Map<Screen, { link: HTMLElement; fill: HTMLElement }>();

  constructor(private readonly nav: HTMLElement) {}

  addScreen(screen: Screen): void {
    const fill = element('span', { class: 'fill' });
    const link = element(
      'a',
      { href: `#screen-${screen.kind}` },
      element('span', {}, SHORT_NAMES[screen.kind]),
      element('span', { class: 'mini' }, fill),
    );
    this.entries.set(screen, { link, fill });
    this.nav.append(link);
  }

  addBackOffice(): void {
    this.nav.append(element('a', { href: '#back-office-panel' }, 'Office'));
  }

  render(screen: Screen): void {
    const entry = this.entries.get(screen);
    if (!entry) return;
    const { position, durationSeconds, motion } = screen.playerViewModel;
    entry.fill.style.setProperty('--at', String(Math.min(1, position.positionSeconds / durationSeconds)));
    entry.link.dataset['motion'] = motion;
    entry.link.dataset['connection'] = screen.device.connection;
  }
}

const SHORT_NAMES = { tv: 'TV', phone: 'Phone', browser: 'Browser' } as const;
