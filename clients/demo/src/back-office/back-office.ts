import type { Membership } from '@usher/client';
import { button, disable, element, setText } from '../dom.js';
import { formatMembership } from '../screen/membership-panel.js';
import { RequestError, type Session } from '../session.js';
import { type ActionId, labelOf, type Situation, whyNot } from './actions.js';
import type { TracedRequest } from './delivery-trace.js';
import type { DeliveryTraceList } from './delivery-trace-list.js';

/** A request that the page's back end made to Usher: src/demo/sent-request.ts. */
interface SentRequest extends TracedRequest {
  readonly status: number;
  readonly ms: number;
}

interface SentWebhook extends SentRequest {
  readonly type: string;
}

interface NightlyResponse {
  readonly lines: number;
  readonly bytes: number;
  readonly accepted: number;
  readonly sent: SentRequest;
}

/** `[title, explanation, actions]` */
const GROUPS: readonly (readonly [string, string, readonly ActionId[]])[] = [
  [
    'Payment processor',
    'Each sends a signed Stripe event to this server’s own webhook endpoint.',
    ['basic', 'premium', 'payment_fails', 'payment_mended', 'cancel_at_period_end', 'resume', 'cancel_now'],
  ],
  [
    'Your own systems',
    'They call the API with a service key.',
    ['publish', 'mail', 'text', 'tonight', 'stop_streams'],
  ],
  ['The evening', 'At 17:00 by the user’s clock a digest tells what was published.', ['evening']],
];

/** Shows what the systems around Usher can do, and the delivery traces of what they caused. */
export class BackOffice {
  readonly root: HTMLElement;
  private readonly membership = element('p', { class: 'back-office-membership' });
  private readonly buttons = new Map<ActionId, HTMLButtonElement>();
  private situation: Situation = { membership: undefined, isStreaming: false };

  constructor(
    private readonly session: Session,
    private readonly traces: DeliveryTraceList,
  ) {
    const groups = GROUPS.map(([title, explanation, actions]) =>
      createGroup(
        title,
        explanation,
        actions.map((action) => this.createButton(action)),
      ),
    );
    const heading = element('h2', { id: 'back-office-title' }, 'Back office');
    this.root = element(
      'section',
      { class: 'back-office', id: 'back-office-panel', 'aria-labelledby': 'back-office-title' },
      element('div', { class: 'back-office-controls' }, heading, this.membership, ...groups),
      element('div', { class: 'back-office-traces' }, element('h3', {}, 'What travelled'), traces.root),
    );
    this.render(this.situation, undefined);
  }

  /** `next` is the action that the guide suggests: its button is the one that stands out. */
  render(situation: Situation, next: ActionId | undefined): void {
    this.situation = situation;
    this.renderMembership(situation.membership);
    for (const [action, each] of this.buttons) {
      setText(each, labelOf(action, situation));
      each.classList.toggle('main', action === next);
      disable(each, whyNot(action, situation));
    }
  }

  private renderMembership(membership: Membership | undefined): void {
    const plan = formatMembership(membership, this.session.getPlanName(membership?.planId));
    const version = membership ? `, version ${membership.version}` : '';
    setText(this.membership, `${this.session.userId}: ${plan}${version}`);
  }

  private createButton(action: ActionId): HTMLButtonElement {
    const created = button('', () => void this.perform(action), { class: 'act' });
    this.buttons.set(action, created);
    return created;
  }

  private async perform(action: ActionId): Promise<void> {
    const trace = this.traces.add(labelOf(action, this.situation), EVENT_TYPES[action]);
    try {
      for (const { text, request } of await this.send(action)) {
        trace.addRequest(text, request);
        const eventId = action === 'publish' ? getPublishedId(request.response) : undefined;
        if (eventId !== undefined) trace.follow(eventId);
      }
    } catch (error) {
      trace.showError(error instanceof RequestError ? error.message : 'The server cannot be reached.');
    }
  }

  /** Has the page's back end do it. Returns the requests that it made, each with a few words. Throws RequestError. */
  private async send(action: ActionId): Promise<{ text: string; request: SentRequest }[]> {
    if (action === 'tonight') return [describeNightly(await this.session.callBackEnd('/dev/tonight'))];
    const call = OWN_CALLS[action];
    if (call) {
      const [path, fields] = call;
      const { sent } = await this.session.callBackEnd<{ sent: SentRequest }>(path, fields);
      return [{ text: `${sent.method} ${sent.path} → ${sent.status} in ${sent.ms} ms`, request: sent }];
    }
    const { webhooks } = await this.session.callBackEnd<{ webhooks: SentWebhook[] }>('/dev/office', {
      act: action,
    });
    return webhooks.map((sent) => ({
      text: `${sent.type} → ${sent.status} in ${sent.ms} ms`,
      request: sent,
    }));
  }
}

/** The call of the page's back end that has the service's own systems make one request: `[path, fields]`. */
const OWN_CALLS: Partial<Readonly<Record<ActionId, readonly [string, Readonly<Record<string, string>>]>>> = {
  publish: ['/dev/publish', {}],
  mail: ['/dev/inbox/send', { channel: 'email' }],
  text: ['/dev/inbox/send', { channel: 'sms' }],
  evening: ['/dev/clock/evening', {}],
  stop_streams: ['/dev/stop-streams', {}],
};

/** The event that an action causes. `stop_streams` causes one for each device that plays, and for no other. */
const EVENT_TYPES: Readonly<Record<ActionId, string | undefined>> = {
  basic: 'membership.changed',
  premium: 'membership.changed',
  payment_fails: 'membership.changed',
  payment_mended: 'membership.changed',
  cancel_at_period_end: 'membership.changed',
  resume: 'membership.changed',
  cancel_now: 'membership.changed',
  tonight: 'recommendations.ready',
  publish: 'promo.started',
  mail: undefined,
  text: undefined,
  evening: 'digest.ready',
  stop_streams: undefined,
};

/** Reads the id of the event from the response of POST /v1/events. */
function getPublishedId(response = '{}'): string | undefined {
  const { accepted } = JSON.parse(response) as { readonly accepted?: readonly { readonly id: string }[] };
  return accepted?.[0]?.id;
}

function describeNightly({ lines, bytes, accepted, sent }: NightlyResponse): {
  text: string;
  request: SentRequest;
} {
  const text = `${lines} lines, ${Math.ceil(bytes / 1_024)} kB → ${accepted} accepted in ${sent.ms} ms`;
  return { text, request: sent };
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
