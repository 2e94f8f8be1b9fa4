import type { Membership } from '@usher/client';
import type { DeliveryTraceList } from './delivery-trace-list.js';
import { button, element, setText } from '../dom.js';
import { formatMembership } from '../screen/membership-panel.js';
import { RequestError, type Session } from '../session.js';

interface PaymentResponse {
  readonly webhooks: readonly { readonly type: string; readonly status: number; readonly ms: number }[];
}

interface NightlyResponse {
  readonly lines: number;
  readonly bytes: number;
  readonly ms: number;
  readonly accepted: number;
}

/** `[act, label, CSS class]`. The acts are the server's (`/dev/office`). */
const PAYMENT_ACTS = [
  ['basic', 'Subscribe to Basic', 'good'],
  ['premium', 'Upgrade to Premium', 'good'],
  ['payment_fails', 'Payment fails', 'bad'],
  ['payment_mended', 'Payment succeeds', ''],
  ['cancel_at_period_end', 'Cancel at period end', 'bad'],
  ['resume', 'Resume', ''],
  ['cancel_now', 'Cancel now', 'bad'],
] as const;

/** Shows the buttons of the payment processor and the nightly job, and the delivery traces of what they caused. */
export class BackOffice {
  readonly root: HTMLElement;
  private readonly membership = element('p', { class: 'back-office-membership' });

  constructor(
    private readonly session: Session,
    private readonly traces: DeliveryTraceList,
  ) {
    const acts = PAYMENT_ACTS.map(([act, label, kind]) =>
      button(label, () => void this.sendPayment(act, label), { class: `act ${kind}` }),
    );
    const nightly = button('Run tonight’s recommendations', () => void this.runNightlyJob(), {
      class: 'act good',
    });
    this.root = element(
      'section',
      { class: 'back-office', id: 'back-office-panel', 'aria-labelledby': 'back-office-title' },
      element(
        'div',
        { class: 'back-office-controls' },
        element('h2', { id: 'back-office-title' }, 'Back office'),
        this.membership,
        createGroup(
          'Payment processor',
          'Each sends a signed Stripe event to this server’s own webhook endpoint.',
          acts,
        ),
        createGroup('Nightly job', 'A gzipped NDJSON file with 501 front pages, this user’s among them.', [
          nightly,
        ]),
      ),
      element('div', { class: 'back-office-traces' }, element('h3', {}, 'What travelled'), this.traces.root),
    );
  }

  render(membership: Membership | undefined): void {
    const plan = formatMembership(membership, this.session.getPlanName(membership?.planId));
    const version = membership ? `, version ${membership.version}` : '';
    setText(this.membership, `${this.session.userId}: ${plan}${version}`);
  }

  private async sendPayment(act: string, label: string): Promise<void> {
    const trace = this.traces.add(label, 'membership.changed');
    try {
      const { webhooks } = await this.session.callBackEnd<PaymentResponse>('/dev/office', { act });
      for (const { type, status, ms } of webhooks) trace.addRequest(`${type} → ${status} in ${ms} ms`);
    } catch (error) {
      trace.showError(toMessage(error));
    }
  }

  private async runNightlyJob(): Promise<void> {
    const trace = this.traces.add('Tonight’s recommendations', 'recommendations.ready');
    try {
      const { lines, bytes, ms, accepted } = await this.session.callBackEnd<NightlyResponse>('/dev/tonight');
      trace.addRequest(`${lines} lines, ${Math.ceil(bytes / 1_024)} kB → ${accepted} accepted in ${ms} ms`);
    } catch (error) {
      trace.showError(toMessage(error));
    }
  }
}

function createGroup(title: string, explanation: string, buttons: HTMLButtonElement[]): HTMLElement {
  return element(
    'fieldset',
    {},
    element('legend', {}, title),
    element('p', { class: 'explanation' }, explanation),
    element('div', { class: 'acts' }, ...buttons),
  );
}

function toMessage(error: unknown): string {
  return error instanceof RequestError ? error.message : 'The server cannot be reached.';
}
