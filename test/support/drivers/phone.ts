import { randomUUID } from 'node:crypto';
import { call } from './back-office.js';
import { eventually } from '../eventually.js';
import type { TestUsher } from './usher.js';

/** What a pretend vendor may say (src/push/vendor.ts). */
export type ProviderOutcome =
  | { is: 'again'; afterMs?: number; reason: string }
  | { is: 'gone'; since?: string; reason: string }
  | { is: 'our_fault' | 'sender_fault'; reason: string };

export interface ShownNotification {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

export interface ReceivedPush {
  readonly at: string;
  readonly verdict: string;
  readonly message: { show: unknown; data: Record<string, string>; badge?: number; urgency: string };
}

interface LockScreen {
  readonly notes: ShownNotification[];
  readonly arrived: ReceivedPush[];
  readonly badge: number;
}

/** A registered device that sleeps, and its lock screen: a node in development shows there what vendors would be sent. */
export interface Phone {
  readonly id: string;
  readonly address: string;
  /** Registers anew, for this user or another one. */
  register(userId: string, more?: Record<string, unknown>): Promise<void>;
  lockScreen(): Promise<LockScreen>;
  /** The screen, once it shows so many notes. */
  waitForNotifications(count: number): Promise<LockScreen>;
  /** The screen, once so many pushes came to it, whatever was answered. */
  waitForPushes(count: number): Promise<LockScreen>;
  /** What the vendor says of its pushes from now on. */
  setProviderOutcome(always: ProviderOutcome | null): Promise<void>;
}

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
    async register(owner, said = {}) {
      const body = { platform: 'android', push: { kind: 'fcm_token', address }, ...said };
      const token = await usher.token(owner);
      const { status } = await call(usher.url, token, 'PUT', `/v1/me/devices/${id}`, body);
      if (status !== 200) throw new Error(`not registered: ${status}`);
    },
    lockScreen: read,
    waitForNotifications: (count) =>
      eventually(`${id} shows ${count}`, async () => {
        const screen = await read();
        return screen.notes.length === count && screen;
      }),
    waitForPushes: (count) =>
      eventually(`${id} gets ${count}`, async () => {
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

/** What became of the pushes of a device, in the order of their events. */
export const pushStates = (usher: TestUsher, deviceId: string) =>
  usher.database.query<{ state: string; reason: string | null }>(
    `SELECT state, reason FROM push WHERE device_id = $1 ORDER BY "offset"`,
    [deviceId],
  );

/** Once the only push of the device has this fate. */
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
