import { element } from './dom.js';
import type { Screen } from './screen.js';

/** On a narrow page the screens stand below each other; this bar shows all of them at once, and leads to each. */
export class Glance {
  private readonly fills = new Map<Screen, { link: HTMLElement; fill: HTMLElement }>();

  constructor(private readonly nav: HTMLElement) {}

  add(screen: Screen): void {
    const fill = element('span', { class: 'fill' });
    const link = element(
      'a',
      { href: `#screen-${screen.kind}` },
      element('span', {}, SHORT[screen.kind]),
      element('span', { class: 'mini' }, fill),
    );
    this.fills.set(screen, { link, fill });
    this.nav.append(link);
  }

  addOffice(): void {
    this.nav.append(element('a', { href: '#office-panel' }, 'Office'));
  }

  show(screen: Screen): void {
    const entry = this.fills.get(screen);
    if (!entry) return;
    const { place, durationSeconds, motion } = screen.stage;
    entry.fill.style.setProperty('--at', String(Math.min(1, place.positionSeconds / durationSeconds)));
    entry.link.dataset['motion'] = motion;
    entry.link.dataset['connection'] = screen.device.connection;
  }
}

const SHORT = { tv: 'TV', phone: 'Phone', browser: 'Browser' } as const;
