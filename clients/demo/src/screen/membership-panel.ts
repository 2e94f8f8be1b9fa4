import type { Membership } from '@usher/client';
import { element, setText } from '../dom.js';

const CAPABILITIES = ['streaming', 'screens', 'quality', 'downloads', 'ads'] as const;
type Capability = (typeof CAPABILITIES)[number];

const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** Shows the user's plan, what it allows, and a warning if payment failed or the membership will end. */
export class MembershipPanel {
  readonly root: HTMLElement;
  private readonly plan = element('p', { class: 'plan' });
  private readonly warning = element('p', { class: 'warning', role: 'status' });
  private readonly chips = new Map<Capability, HTMLLIElement>();

  constructor(private readonly getPlanName: (planId: string | null | undefined) => string | undefined) {
    const list = element('ul', { class: 'chips', 'aria-label': 'What the membership allows' });
    for (const capability of CAPABILITIES) {
      const chip = element('li', { 'data-capability': capability });
      this.chips.set(capability, chip);
      list.append(chip);
    }
    this.root = element('div', { class: 'membership-panel' }, this.plan, list, this.warning);
  }

  render(membership: Membership | undefined): void {
    setText(this.plan, formatMembership(membership, this.getPlanName(membership?.planId)));
    const warning = getWarning(membership);
    setText(this.warning, warning);
    this.warning.hidden = warning === '';
    if (!membership) return;
    const { streaming, maxStreams, maxQuality, downloads, ads } = membership.capabilities;
    const screens = maxStreams === 1 ? '1 screen' : `${maxStreams} screens`;
    this.renderChip('streaming', streaming, streaming ? 'Streaming' : 'No streaming');
    this.renderChip('screens', streaming, streaming ? screens : '');
    this.renderChip('quality', streaming, streaming ? String(maxQuality) : '');
    this.renderChip('downloads', downloads, downloads ? 'Downloads' : 'No downloads');
    this.renderChip('ads', !ads, streaming ? (ads ? 'With ads' : 'No ads') : '');
  }

  private renderChip(capability: Capability, isOn: boolean, text: string): void {
    const chip = this.chips.get(capability);
    if (!chip || (chip.textContent === text && chip.dataset['on'] === String(isOn))) return;
    const isFirstRender = chip.textContent === '';
    chip.dataset['on'] = String(isOn);
    setText(chip, text);
    if (!isFirstRender) highlight(chip);
  }
}

/** Returns the plan and the status in one line. */
export function formatMembership(membership: Membership | undefined, planName: string | undefined): string {
  if (!membership) return 'Waiting for the server …';
  if (membership.status === 'none') return 'No membership';
  return `${planName ?? 'No plan'} · ${STATUS_TEXTS[membership.status]}`;
}

const STATUS_TEXTS = {
  none: 'none',
  trialing: 'trial',
  active: 'active',
  past_due: 'payment overdue',
  paused: 'paused',
  canceled: 'cancelled',
} as const;

function getWarning(membership: Membership | undefined): string {
  if (membership?.status === 'past_due')
    return 'The last payment failed. You can go on watching while you update it.';
  if (membership?.status === 'active' && membership.cancelAt)
    return `Ends on ${dateFormat.format(new Date(membership.cancelAt))}.`;
  return '';
}

/** By the Web Animations API: restarting a CSS animation would force a layout while an event is handled. */
function highlight(chip: HTMLElement): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  chip.animate([{ background: '#f4c069', color: '#201708', transform: 'scale(1.08)' }, {}], {
    duration: 1_600,
    easing: 'ease-out',
  });
}
