import type { Membership } from '@usher/client';
import type { ActionId } from './back-office/actions.js';

/** What the steps of the guide look at. */
export interface GuideFacts {
  readonly membership: Membership | undefined;
  readonly isStreaming: boolean;
  readonly isPhoneUnplugged: boolean;
  /** A push was delivered to the phone, since the page was opened. */
  readonly wasPushed: boolean;
  /** The phone was plugged in again and got what it had missed. */
  readonly hasCaughtUp: boolean;
  /** A digest came, since the page was opened. */
  readonly hasDigest: boolean;
  /** A person opened the timeline of an event. */
  readonly hasAskedWhy: boolean;
}

export interface GuideStep {
  readonly id: string;
  readonly title: string;
  /** What to press, and what to watch. */
  readonly text: (facts: GuideFacts) => string;
  /** The action of the back office that this step needs now. */
  readonly action?: (facts: GuideFacts) => ActionId | undefined;
  readonly isDone: (facts: GuideFacts) => boolean;
}

const mayStream = ({ membership }: GuideFacts): boolean => membership?.capabilities.streaming === true;

/** A newcomer's first five minutes. Each step is done by doing it. */
export const GUIDE_STEPS: readonly GuideStep[] = [
  {
    id: 'plan',
    title: 'Give the user a plan',
    text: () =>
      'Press Subscribe to Basic in the back office. A signed webhook comes in, and every screen learns what it may do.',
    action: () => 'basic',
    isDone: mayStream,
  },
  {
    id: 'play',
    title: 'Play',
    text: (facts) =>
      mayStream(facts)
        ? 'Press Play on the TV. The edge node asks Usher for a slot, and sends bytes while the lease lasts. The other screens follow.'
        : 'The user needs a plan for that: subscribe again.',
    action: (facts) => (mayStream(facts) ? undefined : 'basic'),
    isDone: ({ isStreaming }) => isStreaming,
  },
  {
    id: 'change',
    title: 'Change the plan',
    text: () => 'Upgrade to Premium while it plays. Nothing stops: the lease is renewed, and has four slots.',
    action: () => 'premium',
    isDone: ({ membership }) => membership?.planId === 'demo-premium' && membership.status === 'active',
  },
  {
    id: 'miss',
    title: 'Miss something',
    text: ({ isPhoneUnplugged }) =>
      isPhoneUnplugged
        ? 'Publish an event. The phone does not acknowledge it, so after a few seconds it gets a push.'
        : 'Press Unplug on the phone: it sleeps now.',
    action: ({ isPhoneUnplugged }) => (isPhoneUnplugged ? 'publish' : undefined),
    isDone: ({ wasPushed }) => wasPushed,
  },
  {
    id: 'catch-up',
    title: 'Catch up',
    text: () =>
      'Press Plug in on the phone. It gets what it missed: once, in order, the newest of each kind.',
    isDone: ({ hasCaughtUp }) => hasCaughtUp,
  },
  {
    id: 'evening',
    title: 'Wait for five',
    text: () =>
      'Move the clock to 16:59, and watch it. At 17:00 one digest tells what was published today, on the screens and in the inbox.',
    action: () => 'evening',
    isDone: ({ hasDigest }) => hasDigest,
  },
  {
    id: 'cancel',
    title: 'Take it away',
    text: ({ isStreaming }) =>
      isStreaming
        ? 'Press Cancel now, and watch the bytes: they stop at the edge node, on every screen.'
        : 'Play something first, and then press Cancel now.',
    action: ({ isStreaming }) => (isStreaming ? 'cancel_now' : undefined),
    isDone: ({ membership }) => membership?.status === 'canceled',
  },
  {
    id: 'why',
    title: 'Ask why',
    text: () =>
      'Open Timeline below What travelled: what each device got and when, and why not. Usher keeps it for every user.',
    isDone: ({ hasAskedWhy }) => hasAskedWhy,
  },
];
