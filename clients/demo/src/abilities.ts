import type { Membership } from '@usher/client';
import { element, say } from './dom.js';

type Ability = 'streaming' | 'screens' | 'quality' | 'downloads' | 'ads';

const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** What the plan lets this device do, and what is wrong with it. A change lights up. */
export class Abilities {
  readonly root: HTMLElement;
  private readonly plan = element('p', { class: 'plan' });
  private readonly warning = element('p', { class: 'warning', role: 'status' });
  private readonly chips = new Map<Ability, HTMLLIElement>();

  constructor(private readonly planName: (planId: string | null | undefined) => string | undefined) {
    const list = element('ul', { class: 'chips', 'aria-label': 'What the membership allows' });
    for (const ability of ['streaming', 'screens', 'quality', 'downloads', 'ads'] as const) {
      const chip = element('li', { 'data-ability': ability });
      this.chips.set(ability, chip);
      list.append(chip);
    }
    this.root = element('div', { class: 'abilities' }, this.plan, list, this.warning);
  }

  show(membership: Membership | undefined): void {
    say(this.plan, planText(membership, this.planName(membership?.planId)));
    const warning = warningOf(membership);
    say(this.warning, warning);
    this.warning.hidden = warning === '';
    if (!membership) return;
    const { streaming, maxStreams, maxQuality, downloads, ads } = membership.capabilities;
    const screens = maxStreams === 1 ? '1 screen' : `${maxStreams} screens`;
    this.chip('streaming', streaming, streaming ? 'Streaming' : 'No streaming');
    this.chip('screens', streaming, streaming ? screens : '');
    this.chip('quality', streaming, streaming ? String(maxQuality) : '');
    this.chip('downloads', downloads, downloads ? 'Downloads' : 'No downloads');
    this.chip('ads', !ads, streaming ? (ads ? 'With ads' : 'No ads') : '');
  }

  private chip(ability: Ability, isOn: boolean, text: string): void {
    const chip = this.chips.get(ability);
    if (!chip || (chip.textContent === text && chip.dataset['on'] === String(isOn))) return;
    const isFirst = chip.textContent === '';
    chip.dataset['on'] = String(isOn);
    say(chip, text);
    if (!isFirst) light(chip);
  }
}

/** Also what it is called in one line, for the back office. */
export function planText(membership: Membership | undefined, planName: string | undefined): string {
  if (!membership) return 'Waiting for the first word …';
  if (membership.status === 'none') return 'No membership';
  return `${planName ?? 'No plan'} · ${WORDS[membership.status]}`;
}

const WORDS = {
  none: 'none',
  trialing: 'trial',
  active: 'active',
  past_due: 'payment overdue',
  paused: 'paused',
  canceled: 'cancelled',
} as const;

function warningOf(membership: Membership | undefined): string {
  if (membership?.status === 'past_due')
    return 'The last payment failed. You can go on watching while it is mended.';
  if (membership?.status === 'active' && membership.cancelAt)
    return `Ends on ${date.format(new Date(membership.cancelAt))}.`;
  return '';
}

/** By the animation's own clock: to begin one anew in CSS would force a layout in the middle of an event. */
function light(chip: HTMLElement): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  chip.animate([{ background: '#f4c069', color: '#201708', transform: 'scale(1.08)' }, {}], {
    duration: 1_600,
    easing: 'ease-out',
  });
}
