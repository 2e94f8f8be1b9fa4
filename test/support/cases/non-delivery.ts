import { randomUUID } from 'node:crypto';
import { call } from '../drivers/back-office.js';
import type { TestUsher } from '../drivers/usher.js';
import { eventually } from '../eventually.js';
import type { FakeFcm } from '../fakes/fake-fcm.js';

/** A device that did not get an event, and what everybody must be told who asks why. */
export interface NonDelivery {
  readonly userId: string;
  readonly eventId: string;
  readonly deviceId: string;
  /** Undefined where there is no such event. */
  readonly why?: string;
  /** Of the sentences that support is shown: what is so, and what to do. */
  readonly says: RegExp;
}

/**
 * Returns the ten cases for which Usher answers "why did this device not get it?", by name; each has happened on the node when it is returned. The
 * node is in development (a phone with an APNs token is the demo's lock screen), has `ACK_TIMEOUT_SECONDS: '1'`, and FCM is `fcm`, which fails
 * from then on.
 */
export async function prepareNonDeliveries(
  usher: TestUsher,
  fcm: FakeFcm,
): Promise<ReadonlyMap<string, NonDelivery>> {
  const cases = await Promise.all(
    Object.entries(CASES).map(async ([name, prepare]) => {
      const found = await prepare({ usher, fcm, userId: `case-${name.replaceAll(/\W+/g, '-')}` });
      return [name, found] as const;
    }),
  );
  for (const [name, one] of cases) await happened(usher, name, one);
  return new Map(cases);
}

/** Waits until the server gives the reason: a push is tried, or an event expires, a moment after it was published. */
function happened(
  usher: TestUsher,
  name: string,
  { userId, eventId, deviceId, why }: Omit<NonDelivery, 'says'>,
) {
  const path = `/v1/users/${userId}/events/${eventId}?deviceId=${deviceId}`;
  const hasHappened = async () => {
    const { body } = await usher.backOffice.call('GET', path);
    const [device] = (body.devices ?? []) as { why?: string; explanation: string }[];
    return device?.why === why && !device?.explanation.includes('a moment ago');
  };
  // A push that failed is tried again after a pause, and only then finds the circuit open.
  return eventually(`${name} has happened`, hasHappened, 60_000);
}

interface Stage {
  readonly usher: TestUsher;
  readonly fcm: FakeFcm;
  /** A user of the case's own. */
  readonly userId: string;
}

const CASES: Record<string, (stage: Stage) => Promise<NonDelivery>> = {
  async asleep(stage) {
    await register(stage, 'tablet', { platform: 'tv' });
    const eventId = await publish(stage);
    const says = /The device is asleep.*has no push address.*gets the event when its app is opened/;
    return { ...ofTablet(stage), eventId, why: 'not_told', says };
  },
  async expired(stage) {
    await register(stage, 'tablet', { platform: 'tv' });
    const eventId = await publish(stage, { expiresAt: new Date(Date.now() + 1_000).toISOString() });
    return { ...ofTablet(stage), eventId, why: 'expired', says: /It expired at .* UTC.*publish it again/ };
  },
  async superseded(stage) {
    await register(stage, 'tablet', { platform: 'tv' });
    const eventId = await publish(stage);
    const newer = await publish(stage);
    const says = new RegExp(
      `newer event of the key note took its place.*gets the newer one: look at ${newer}`,
    );
    return { ...ofTablet(stage), eventId, why: 'superseded', says };
  },
  async preference(stage) {
    await registerWithApns(stage);
    await prefer(stage, { categories: { note: { channels: { push: false } } } });
    const eventId = await publish(stage);
    const says = /does not want pushes of “note”.*can change that in the app’s settings/;
    return { ...ofTablet(stage), eventId, why: 'preference', says };
  },
  async 'quiet hours'(stage) {
    await registerWithApns(stage, { timezone: 'UTC' });
    const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
    await prefer(stage, { quietHours: { start: clock(-1), end: clock(1) } });
    const eventId = await publish(stage);
    const says = /in the user’s quiet hours: its push waits until .* UTC.*can change the quiet hours/;
    return { ...ofTablet(stage), eventId, why: 'quiet_hours', says };
  },
  async 'token dead'(stage) {
    const address = await registerWithApns(stage);
    const always = { is: 'unregistered', reason: 'Unregistered' };
    await call(stage.usher.url, undefined, 'POST', '/dev/lock-screen/trouble', { address, always });
    const eventId = await publish(stage);
    const says = /apns no longer knows its push address \(Unregistered\).*Ask the user to open the app/;
    return { ...ofTablet(stage), eventId, why: 'address_gone', says };
  },
  async 'other user’s device'(stage) {
    await register(stage, 'tablet', { platform: 'tv' });
    await register({ ...stage, userId: 'case-somebody-else' }, 'their-tv', { platform: 'tv' });
    const eventId = await publish(stage);
    const says = /not a device of the user.*Check the id of the device and which account is signed in on it/;
    return { userId: stage.userId, deviceId: 'their-tv', eventId, why: 'not_a_device_of_the_user', says };
  },
  async budget(stage) {
    await registerWithApns(stage);
    // Without a text they wake the app in the background, which Apple delivers twice an hour.
    const [first, second] = await publishAll(stage, [
      { key: '1', data: {} },
      { key: '2', data: {} },
    ]);
    for (const eventId of [first, second])
      await happened(stage.usher, 'a push within the budget', {
        ...ofTablet(stage),
        eventId: eventId ?? '',
        why: 'pushed',
      });
    const eventId = await publish(stage, { data: {} });
    const says = /was sent as many pushes as it may be.*waits until .* UTC\. Publish fewer events to it/;
    return { ...ofTablet(stage), eventId, why: 'device_budget', says };
  },
  async 'circuit open'(stage) {
    stage.fcm.responses.defaultResponse = { status: 503 };
    await register(stage, 'tablet', {
      platform: 'android',
      push: { kind: 'fcm_token', address: randomUUID() },
    });
    const many = Array.from({ length: 20 }, (_, n) => ({ key: `n${n}`, tier: 'critical' }));
    const eventId = (await publishAll(stage, many)).at(-1) ?? '';
    const says = /fcm fails, so that it is not called.*See the provider’s status page/;
    return { ...ofTablet(stage), eventId, why: 'circuit_open', says };
  },
  'never published': (stage) =>
    Promise.resolve({
      ...ofTablet(stage),
      eventId: randomUUID(),
      says: /has no event with this id: it was never published to them.*Compare the id and the user/,
    }),
};

const ofTablet = ({ userId }: Stage) => ({ userId, deviceId: 'tablet' });

async function register({ usher, userId }: Stage, deviceId: string, body: unknown): Promise<void> {
  const { status } = await usher.callAs(userId, 'PUT', `/v1/me/devices/${deviceId}`, body);
  if (status !== 200) throw new Error(`not registered: ${status}`);
}

/** Returns the push address of the tablet. */
async function registerWithApns(stage: Stage, more: Record<string, unknown> = {}): Promise<string> {
  const address = randomUUID().replaceAll('-', '').repeat(2);
  await register(stage, 'tablet', { platform: 'ios', push: { kind: 'apns', address }, ...more });
  return address;
}

async function prefer({ usher, userId }: Stage, preferences: unknown): Promise<void> {
  const { status } = await usher.callAs(userId, 'PUT', '/v1/me/preferences', preferences);
  if (status !== 200) throw new Error(`not stored: ${status}`);
}

async function publishAll(
  { usher, userId }: Stage,
  events: readonly Record<string, unknown>[],
): Promise<string[]> {
  const note = { userId, type: 'note.added', tier: 'important', key: 'note', data: { title: 'A note' } };
  const { body } = await usher.backOffice.publish(events.map((changes) => ({ ...note, ...changes })));
  return (body.accepted as { id: string }[]).map(({ id }) => id);
}

/** Returns the id of the event. */
const publish = async (stage: Stage, changes: Record<string, unknown> = {}): Promise<string> =>
  (await publishAll(stage, [changes]))[0] ?? '';
