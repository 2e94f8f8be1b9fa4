import type { Overview, OverviewPush } from '../api/types.js';
import { count, span } from '../format.js';

/** The alerts, each with a heading of its own in docs/operate/alerts.md. The rules of Prometheus have the same names. */
export const ALERTS = [
  'UsherRedisAway',
  'UsherLoadLevel',
  'UsherNoWorker',
  'UsherOldestHandoff',
  'UsherWebhookFailing',
  'UsherWebhookSilence',
  'UsherWebhooksWaiting',
  'UsherPushMisconfigured',
  'UsherPushCircuitOpen',
  'UsherPushLate',
  'UsherPushPaused',
] as const;

/** Something that somebody should look at. */
export interface Alarm {
  readonly alert: (typeof ALERTS)[number];
  readonly tone: 'warn' | 'bad';
  /** What is so. */
  readonly fact: string;
  /** What to do about it: in short what docs/operate/alerts.md has. */
  readonly remedy: string;
  /** Where in the console more of it is. */
  readonly to?: string;
}

// The limits are those of docs/operate/alerts.md.
const HANDOFF_SECONDS = { critical: 5, important: 30 };
const FAILING_SECONDS = 900;
const SILENT_SECONDS = 600;
const PUSH_SECONDS = { critical: 30, important: 900 };

/** Returns what is not as it should be, the worst first. */
export function alarmsOf(overview: Overview): Alarm[] {
  const alarms = [
    ...nodeAlarms(overview),
    ...handoffAlarms(overview),
    ...webhookAlarms(overview),
    ...overview.push.flatMap(pushAlarms),
  ];
  return alarms.toSorted((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'));
}

function nodeAlarms({ nodes, total }: Overview): Alarm[] {
  if (!nodes || !total)
    return [
      {
        alert: 'UsherRedisAway',
        tone: 'bad',
        fact: 'Redis is away.',
        remedy:
          'Nodes read the mailbox each second instead, which PostgreSQL feels. Nothing is lost. See that REDIS_URL can be reached.',
      },
    ];
  const loaded = nodes.filter(({ loadLevel }) => loadLevel > 1);
  return [
    ...(loaded.length === 0
      ? []
      : [
          {
            alert: 'UsherLoadLevel' as const,
            tone: 'warn' as const,
            fact: `Load level ${total.loadLevel} on ${loaded.length} of ${total.nodes} nodes.`,
            remedy:
              'Heartbeats are asked for less often. Add nodes, or see whether PostgreSQL is slow: usher_statement_seconds.',
          },
        ]),
    ...(nodes.some(({ roles }) => roles.includes('worker'))
      ? []
      : [
          {
            alert: 'UsherNoWorker' as const,
            tone: 'bad' as const,
            fact: 'No node has the role worker.',
            remedy: 'Start one: retries, reconciliation, pushes and retention stand still without it.',
          },
        ]),
  ];
}

const handoffAlarms = ({ handoffs }: Overview): Alarm[] =>
  (['critical', 'important'] as const).flatMap((tier) => {
    const seconds = handoffs[tier];
    if (seconds === null || seconds <= HANDOFF_SECONDS[tier]) return [];
    return [
      {
        alert: 'UsherOldestHandoff' as const,
        tone: 'bad' as const,
        fact: `The oldest ${tier} commit waits for ${span(seconds * 1_000)} to be delivered.`,
        remedy:
          'A node died, or nodes cannot keep up: the sweep should find it within seconds. Read the logs of the nodes.',
      },
    ];
  });

function webhookAlarms({ webhooks: { processors, waiting } }: Overview): Alarm[] {
  const ofProcessors = processors.flatMap(
    ({ processor, silentSeconds, usualSeconds, failingSeconds }): Alarm[] => [
      ...(failingSeconds !== null && failingSeconds > FAILING_SECONDS
        ? [
            {
              alert: 'UsherWebhookFailing' as const,
              tone: 'bad' as const,
              fact: `A webhook of ${processor} cannot be applied for ${span(failingSeconds * 1_000)}.`,
              remedy:
                'Its reason is in the list: the processor is away, the key is wrong, or it does not know the subscription.',
              to: '/webhooks?status=failed',
            },
          ]
        : []),
      ...(silentSeconds > SILENT_SECONDS && silentSeconds > 2 * usualSeconds
        ? [
            {
              alert: 'UsherWebhookSilence' as const,
              tone: 'warn' as const,
              fact: `${processor} has sent no webhook for ${span(silentSeconds * 1_000)}.`,
              remedy: `The longest silence in the last 24 hours was ${span(usualSeconds * 1_000)}. Either nobody pays, or webhooks do not arrive: look at the processor's list of failed deliveries.`,
              to: '/webhooks?status=applied',
            },
          ]
        : []),
    ],
  );
  if (waiting.count === 0) return ofProcessors;
  const alarm: Alarm = {
    alert: 'UsherWebhooksWaiting',
    tone: 'warn',
    fact: `${count(waiting.count)} ${waiting.count === 1 ? 'webhook waits' : 'webhooks wait'} for a plan or a link${waiting.seconds === null ? '' : `, the oldest for ${span(waiting.seconds * 1_000)}`}.`,
    remedy:
      'Who paid has not got what they paid for. Open one, and create the plan or the link that it names.',
    to: '/webhooks?status=waiting',
  };
  return [...ofProcessors, alarm];
}

function pushAlarms({ vendor, paused, openCircuits, misconfigured, dueSeconds }: OverviewPush): Alarm[] {
  const late = (['critical', 'important'] as const).filter(
    (tier) => (dueSeconds[tier] ?? 0) > PUSH_SECONDS[tier],
  );
  return [
    ...(paused
      ? [
          {
            alert: 'UsherPushPaused' as const,
            tone: 'warn' as const,
            fact: `Pushes by ${vendor} are paused${paused.critical ? ', also critical ones' : ''}.`,
            remedy: 'They wait for 24 hours at most. Who paused them, and why, is in the audit.',
            to: '/push',
          },
        ]
      : []),
    ...[...new Map(misconfigured.map(({ reason, fix }) => [reason, fix]))].map(([reason, fix]): Alarm => ({
      alert: 'UsherPushMisconfigured',
      tone: 'bad',
      fact: `${vendor} refuses our pushes: ${reason}.`,
      remedy: fix ?? 'The credentials or settings of this provider are wrong.',
      to: '/push',
    })),
    ...[...new Set(openCircuits.map(({ upstream }) => upstream))].map((upstream): Alarm => ({
      alert: 'UsherPushCircuitOpen',
      tone: 'warn',
      fact: `The circuit to ${upstream} is open.`,
      remedy:
        'The provider fails; it is probed after up to 30 s. Pushes wait, and are sent when it has recovered.',
      to: '/push',
    })),
    ...late.map((tier): Alarm => ({
      alert: 'UsherPushLate',
      tone: 'warn',
      fact: `A ${tier} push by ${vendor} is due since ${span((dueSeconds[tier] ?? 0) * 1_000)}.`,
      remedy: 'More is waiting than the rate of the provider allows, or the workers stand still.',
      to: '/push',
    })),
  ];
}
