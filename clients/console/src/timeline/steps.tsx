import type { ReactNode } from 'react';
import type {
  CampaignStep,
  Delivery,
  DigestStep,
  KnownEvent,
  MembershipStep,
  Step,
  StreamStep,
  WebhookStep,
} from '../api/types.js';
import { Name } from '../components/name.js';
import { Badge, type Tone } from '../components/parts.js';
import { dayAndTime, span, timeOfDay } from '../format.js';
import { Link } from '../router.js';

/** What of a step does not change, and differs from that of every other step. */
export function stepKey(step: Step): string {
  switch (step.step) {
    case 'event':
      return `event ${step.id}`;
    case 'webhook':
      return `webhook ${step.processor} ${step.eventId}`;
    case 'membership':
      return `membership ${step.version}`;
    case 'stream':
      return `stream ${step.streamId}`;
    case 'digest':
      return `digest ${step.digest} ${step.localDate}`;
    case 'campaign':
      return `campaign ${step.campaign}`;
  }
}

/** The steps of a timeline, the newest first. `device`: only this device's part of each event. */
export function Steps({
  userId,
  steps,
  device,
}: {
  userId: string;
  steps: readonly Step[];
  device: string | undefined;
}) {
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={stepKey(step)} className={`step ${step.step}`}>
          <time dateTime={step.at} title={dayAndTime(step.at)}>
            {timeOfDay(step.at)}
            <span className="day">{step.at.slice(0, 10)}</span>
          </time>
          <div className="what">{described(userId, step, steps, device)}</div>
        </li>
      ))}
    </ol>
  );
}

function described(
  userId: string,
  step: Step,
  steps: readonly Step[],
  device: string | undefined,
): ReactNode {
  switch (step.step) {
    case 'event':
      return <EventDescription userId={userId} event={step} device={device} />;
    case 'webhook':
      return <WebhookDescription webhook={step} />;
    case 'membership':
      return <MembershipDescription membership={step} steps={steps} />;
    case 'stream':
      return <StreamDescription stream={step} />;
    case 'digest':
      return <DigestDescription digest={step} />;
    case 'campaign':
      return <CampaignDescription userId={userId} step={step} />;
  }
}

const Title = ({ kind, children }: { kind: string; children: ReactNode }) => (
  <p className="step-title">
    <span className="kind">{kind}</span> {children}
  </p>
);

const WEBHOOK_TONES: Record<string, Tone> = {
  applied: 'good',
  waiting: 'warn',
  stored: 'warn',
  failed: 'bad',
};

function WebhookDescription({ webhook }: { webhook: WebhookStep }) {
  const { processor, type, status, reason, at, settledAt, eventId } = webhook;
  const took = settledAt === null ? '' : ` ${span(Date.parse(settledAt) - Date.parse(at))} after it arrived`;
  return (
    <>
      <Title kind="Webhook">
        {processor} · <Name of={type} /> <Badge tone={WEBHOOK_TONES[status] ?? 'quiet'}>{status}</Badge>
      </Title>
      <p>
        {status === 'applied'
          ? `It was applied${took}.`
          : `It is ${status}${reason === null ? '' : `: ${reason}`}.`}{' '}
        <Link to={webhookPath({ processor, eventId })} className="id">
          {eventId}
        </Link>
      </p>
    </>
  );
}

const DIGEST_OUTCOMES: Record<string, string> = {
  empty: 'Nothing had happened since the last one, so none was sent.',
  skipped: 'None was sent: the preferences want nothing of it.',
};

function DigestDescription({ digest }: { digest: DigestStep }) {
  const { digest: name, localDate, timezone, dueAt, at, state, events } = digest;
  const late = Date.parse(at) - Date.parse(dueAt);
  return (
    <>
      <Title kind="Digest">
        {name} of {localDate} <Badge tone={state === 'handed_off' ? 'good' : 'quiet'}>{state}</Badge>
      </Title>
      <p>
        {DIGEST_OUTCOMES[state] ?? `It tells of ${events} events.`} It was due at {timeOfDay(dueAt)} (
        {timezone}){late > 60_000 && `, ${span(late)} before`}.
      </p>
    </>
  );
}

function CampaignDescription({ userId, step }: { userId: string; step: CampaignStep }) {
  const { campaign, state, explanation, eventId, convertedAt } = step;
  return (
    <>
      <Title kind="Campaign">
        <Link to={`/campaigns/${encodeURIComponent(campaign)}`}>{campaign}</Link>{' '}
        <Badge tone={state === 'queued' ? 'good' : 'quiet'}>{state}</Badge>
      </Title>
      <p>
        {explanation}{' '}
        {eventId && (
          <Link to={`/users/${encodeURIComponent(userId)}/events/${eventId}`} className="id">
            {eventId}
          </Link>
        )}
      </p>
      {convertedAt && <p>What it hopes for happened {dayAndTime(convertedAt)}.</p>}
    </>
  );
}

function MembershipDescription({
  membership,
  steps,
}: {
  membership: MembershipStep;
  steps: readonly Step[];
}) {
  const { version, status, planId, cancelAt, reason, webhookId, processor, at } = membership;
  const cause = steps.find(
    (step) => step.step === 'webhook' && step.eventId === webhookId && step.processor === processor,
  );
  const took = cause ? `, ${span(Date.parse(at) - Date.parse(cause.at))} after its webhook arrived` : '';
  return (
    <>
      <Title kind="Membership">
        version {version}: {planId ?? 'no plan'} <Badge tone={toneOfStatus(status)}>{status}</Badge>
      </Title>
      <p>
        {webhookId === null ? `By Usher itself: ${reason}` : `By ${processor}: ${reason}${took}`}.
        {cancelAt !== null && ` It ends ${dayAndTime(cancelAt)}.`}
      </p>
    </>
  );
}

/** Where a webhook is shown. */
export const webhookPath = ({ processor, eventId }: { processor: string; eventId: string }): string =>
  `/webhooks/${encodeURIComponent(processor)}/${encodeURIComponent(eventId)}`;

/** The colour of a membership's status. */
export function toneOfStatus(status: string): Tone {
  if (status === 'active' || status === 'trialing') return 'good';
  if (status === 'past_due' || status === 'paused') return 'warn';
  return status === 'canceled' ? 'bad' : 'quiet';
}

function StreamDescription({ stream }: { stream: StreamStep }) {
  const { deviceId, titleId, edgeId, endedAt, reason, at } = stream;
  const took = endedAt === null ? '' : ` after ${span(Date.parse(endedAt) - Date.parse(at))}`;
  return (
    <>
      <Title kind="Stream">
        {titleId} on {deviceId} <Badge tone="quiet">{endedAt === null ? 'started' : 'ended'}</Badge>
      </Title>
      <p>
        From {edgeId}.{endedAt !== null && ` It ended${took}${reason === null ? '' : `: ${reason}`}.`}
      </p>
    </>
  );
}

/** An event, and what became of it on each device, or on one. */
export function EventDescription({
  userId,
  event,
  device,
}: {
  userId: string;
  event: KnownEvent;
  device?: string | undefined;
}) {
  const to = (id: string) => `/users/${encodeURIComponent(userId)}/events/${id}`;
  const devices = event.devices.filter(({ deviceId }) => device === undefined || deviceId === device);
  return (
    <>
      <Title kind="Event">
        <Name of={event.type} />{' '}
        {event.tier && <Badge tone={event.tier === 'critical' ? 'warn' : 'quiet'}>{event.tier}</Badge>}{' '}
        {event.superseded && <Badge tone="quiet">superseded</Badge>}{' '}
      </Title>
      <p className="quiet">
        offset {event.offset} ·{' '}
        <Link to={to(event.id)} className="id">
          {event.id}
        </Link>
        {event.supersededBy && (
          <>
            {' '}
            · superseded by{' '}
            <Link to={to(event.supersededBy)} className="id">
              {event.supersededBy}
            </Link>
          </>
        )}
      </p>
      {devices.length === 0 ? (
        <p>{event.explanation ?? 'This device has no part in it.'}</p>
      ) : (
        <ul className="deliveries">
          {alike(devices).map(({ sentence, deliveries }) => (
            <DeliveryDescription key={sentence} event={event} sentence={sentence} deliveries={deliveries} />
          ))}
        </ul>
      )}
      {event.message && <p>{event.message.explanation}</p>}
    </>
  );
}

const STATE_NAMES = {
  none: 'not received',
  sent: 'sent',
  received: 'received',
  applied: 'applied',
  seen: 'seen',
};

/** The reasons that nobody need look at. */
const HARMLESS: ReadonlySet<string | undefined> = new Set([
  'not_a_device_of_the_user',
  'not_for_this_device',
  'superseded',
  'registered_later',
  'seen_elsewhere',
]);

function toneOf({ state, why }: Delivery): Tone {
  if (state === 'received' || state === 'applied' || state === 'seen') return 'good';
  return HARMLESS.has(why) ? 'quiet' : 'warn';
}

/** Milliseconds from publishing to the last receipt that is known; undefined when it is not known. */
function latencyOf(event: KnownEvent, { appliedAt, receivedAt }: Delivery): number | undefined {
  const last = appliedAt ?? receivedAt;
  // Of some superseded events only receipts are left: their time is that of the first receipt.
  return last === null || event.tier === null ? undefined : Date.parse(last) - Date.parse(event.at);
}

/** Devices of which the same is to be said. */
interface Alike {
  readonly sentence: string;
  readonly deliveries: readonly Delivery[];
}

function alike(devices: readonly Delivery[]): Alike[] {
  const bySentence = new Map<string, Delivery[]>();
  for (const delivery of devices) {
    const { explanation } = delivery;
    bySentence.set(explanation, [...(bySentence.get(explanation) ?? []), delivery]);
  }
  return [...bySentence].map(([sentence, deliveries]) => ({ sentence, deliveries }));
}

function DeliveryDescription({ event, sentence, deliveries }: Alike & { event: KnownEvent }) {
  return (
    <li>
      {deliveries.map((delivery) => {
        const latency = latencyOf(event, delivery);
        return (
          <p key={delivery.deviceId} className="delivery-head">
            <strong>{delivery.deviceId}</strong>{' '}
            <Badge tone={toneOf(delivery)}>{STATE_NAMES[delivery.state]}</Badge>{' '}
            {latency !== undefined && <span className="latency">{span(latency)}</span>}
          </p>
        );
      })}
      <p>{sentence}</p>
    </li>
  );
}
