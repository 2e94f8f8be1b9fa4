import type { Membership } from '@usher/client';
import { planText } from './abilities.js';
import { button, element, say } from './dom.js';
import type { Journeys } from './journeys.js';
import { Refusal, type Session } from './session.js';

interface Sent {
  readonly webhooks: readonly { readonly type: string; readonly status: number; readonly ms: number }[];
}

interface NightlyFile {
  readonly lines: number;
  readonly bytes: number;
  readonly ms: number;
  readonly accepted: number;
}

const ACTS = [
  ['basic', 'Subscribe to Basic', 'good'],
  ['premium', 'Upgrade to Premium', 'good'],
  ['payment_fails', 'Payment fails', 'bad'],
  ['payment_mended', 'Payment succeeds', ''],
  ['cancel_at_period_end', 'Cancel at period end', 'bad'],
  ['resume', 'Resume', ''],
  ['cancel_now', 'Cancel now', 'bad'],
] as const;

/** The other side: the payment processor, the nightly job, and what travelled because of them. */
export class Office {
  readonly root: HTMLElement;
  private readonly standing = element('p', { class: 'standing' });

  constructor(
    private readonly session: Session,
    private readonly journeys: Journeys,
  ) {
    const acts = ACTS.map(([act, label, kind]) =>
      button(label, () => void this.pay(act, label), { class: `act ${kind}` }),
    );
    const nightly = button('Run tonight’s recommendations', () => void this.tonight(), { class: 'act good' });
    this.root = element(
      'section',
      { class: 'office', id: 'office-panel', 'aria-labelledby': 'office-title' },
      element(
        'div',
        { class: 'desk' },
        element('h2', { id: 'office-title' }, 'Back office'),
        this.standing,
        group(
          'Payment processor',
          'Each sends a Stripe event, signed, to this server’s own webhook door.',
          acts,
        ),
        group('Nightly job', 'A gzipped NDJSON file with 501 front pages, this user’s among them.', [
          nightly,
        ]),
      ),
      element('div', { class: 'travelled' }, element('h3', {}, 'What travelled'), this.journeys.root),
    );
  }

  show(membership: Membership | undefined): void {
    const plan = planText(membership, this.session.planName(membership?.planId));
    say(
      this.standing,
      `${this.session.userId}: ${plan}${membership ? `, version ${membership.version}` : ''}`,
    );
  }

  private async pay(act: string, label: string): Promise<void> {
    const journey = this.journeys.begin(label, 'membership.changed');
    try {
      const { webhooks } = await this.session.act<Sent>('/dev/office', { act });
      for (const { type, status, ms } of webhooks) journey.cameIn(`${type} → ${status} in ${ms} ms`);
    } catch (error) {
      journey.failed(reason(error));
    }
  }

  private async tonight(): Promise<void> {
    const journey = this.journeys.begin('Tonight’s recommendations', 'recommendations.ready');
    try {
      const { lines, bytes, ms, accepted } = await this.session.act<NightlyFile>('/dev/tonight');
      journey.cameIn(`${lines} lines, ${Math.ceil(bytes / 1_024)} kB → ${accepted} accepted in ${ms} ms`);
    } catch (error) {
      journey.failed(reason(error));
    }
  }
}

function group(title: string, explained: string, buttons: HTMLButtonElement[]): HTMLElement {
  return element(
    'fieldset',
    {},
    element('legend', {}, title),
    element('p', { class: 'explained' }, explained),
    element('div', { class: 'acts' }, ...buttons),
  );
}

const reason = (error: unknown): string =>
  error instanceof Refusal ? error.message : 'The server cannot be reached.';
