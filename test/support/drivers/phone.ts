import { randomUUID } from 'node:crypto';
import { eventually } from '../eventually.js';
import { call } from './back-office.js';
import type { TestUsher } from './usher.js';

/** How the push provider of a node in development responds to a push; else it delivers it. */
export type ProviderOutcome =
  | { is: 'retry'; afterMs?: number; reason: string }
  | { is: 'unregistered'; since?: string; reason: string }
  | { is: 'misconfigured' | 'rejected'; reason: string };

export interface ShownNotification {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

export interface ReceivedPush {
  readonly at: string;
  readonly result: string;
  readonly message: { show: unknown; data: Record<string, string>; badge?: number; urgency: string };
}

interface LockScreen {
  readonly notes: ShownNotification[];
  readonly arrived: ReceivedPush[];
  readonly badge: number;
}

/** A registered, disconnected device and its lock screen: a node in development shows there what it would send to a provider. */
export interface Phone {
  readonly id: string;
  readonly address: string;
  /** Registers it again, for this user or another one. */
  register(userId: string, more?: Record<string, unknown>): Promise<void>;
  lockScreen(): Promise<LockScreen>;
  /** Returns the lock screen, once it shows this many notifications. */
  waitForNotifications(count: number): Promise<LockScreen>;
  /** Returns the lock screen, once this many pushes were sent to it, whatever their outcome. */
  waitForPushes(count: number): Promise<LockScreen>;
  /** Sets the outcome of all pushes to it from now on; null delivers them. */
  setProviderOutcome(always: ProviderOutcome | null): Promise<void>;
}

/** Registers a phone with an FCM token for the user. */
export async function registerPhone(
  usher: TestUsher,
  userId: string,
  id: string,
  more: Record<string, unknown> = {},
): Promise<Phone> {
  const address = `address-${randomUUID()}`;
  const read = async () =>
    (await call(usher.url, undefined, 'POST', '/dev/lock-screen', { address })).body as unknown as LockScreen;
  const phone: Phone = {
    id,
    address,
    async register(owner, more = {}) {
      const body = { platform: 'android', push: { kind: 'fcm_token', address }, ...more };
      const token = await usher.token(owner);
      const { status } = await call(usher.url, token, 'PUT', `/v1/me/devices/${id}`, body);
      if (status !== 200) throw new Error(`not registered: ${status}`);
    },
    lockScreen: read,
    waitForNotifications: (count) =>
      eventually(`${id} shows ${count} notifications`, async () => {
        const screen = await read();
        return screen.notes.length === count && screen;
      }),
    waitForPushes: (count) =>
      eventually(`${id} receives ${count} pushes`, async () => {
        const screen = await read();
        return screen.arrived.length >= count && screen;
      }),
    async setProviderOutcome(always) {
      await call(usher.url, undefined, 'POST', '/dev/lock-screen/trouble', { address, always });
    },
  };
  await phone.register(userId, more);
  return phone;
}

/** Returns a critical event with a text to show, with the given changes. */
export const noteFor = (userId: string, changes: Record<string, unknown> = {}) => ({
  userId,
  type: 'note.written',
  tier: 'critical',
  data: { title: 'Hello', body: 'You have a note.' },
  ...changes,
});

/** Returns the state of each push to a device, in the order of their events. */
export const pushStates = (usher: TestUsher, deviceId: string) =>
  usher.database.query<{ state: string; reason: string | null }>(
    `SELECT state, reason FROM push WHERE device_id = $1 ORDER BY "offset"`,
    [deviceId],
  );

/** Waits until the only push to the device has this state and reason. */
export const waitForPushState = (
  usher: TestUsher,
  deviceId: string,
  state: string,
  reason: string | null = null,
) =>
  eventually(`${deviceId}: ${state} ${reason ?? ''}`, async () => {
    const found = await pushStates(usher, deviceId);
    return found.length === 1 && found[0]?.state === state && found[0].reason === reason;
  });
