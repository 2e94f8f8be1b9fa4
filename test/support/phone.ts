import { randomUUID } from 'node:crypto';
import { call } from './back-office.js';
import { eventually } from './eventually.js';
import type { TestUsher } from './usher.js';

/** What a pretend vendor may say (src/push/providers/send-result.ts). */
export type Said =
  | { is: 'retry'; afterMs?: number; reason: string }
  | { is: 'unregistered'; since?: string; reason: string }
  | { is: 'misconfigured' | 'rejected'; reason: string };

export interface Note {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

export interface Arrived {
  readonly at: string;
  readonly verdict: string;
  readonly message: { show: unknown; data: Record<string, string>; badge?: number; urgency: string };
}

interface Screen {
  readonly notes: Note[];
  readonly arrived: Arrived[];
  readonly badge: number;
}

/** A registered device that sleeps, and its lock screen: a node in development shows there what vendors would be sent. */
export interface Phone {
  readonly id: string;
  readonly address: string;
  /** Registers anew, for this user or another one. */
  register(userId: string, more?: Record<string, unknown>): Promise<void>;
  screen(): Promise<Screen>;
  /** The screen, once it shows so many notes. */
  shows(count: number): Promise<Screen>;
  /** The screen, once so many pushes came to it, whatever was answered. */
  gets(count: number): Promise<Screen>;
  /** What the vendor says of its pushes from now on. */
  trouble(always: Said | null): Promise<void>;
}

export async function phone(
  usher: TestUsher,
  userId: string,
  id: string,
  more: Record<string, unknown> = {},
): Promise<Phone> {
  const address = `address-${randomUUID()}`;
  const read = async () =>
    (await call(usher.url, undefined, 'POST', '/dev/lock-screen', { address })).body as unknown as Screen;
  const phone: Phone = {
    id,
    address,
    async register(owner, said = {}) {
      const body = { platform: 'android', push: { kind: 'fcm_token', address }, ...said };
      const token = await usher.token(owner);
      const { status } = await call(usher.url, token, 'PUT', `/v1/me/devices/${id}`, body);
      if (status !== 200) throw new Error(`not registered: ${status}`);
    },
    screen: read,
    shows: (count) =>
      eventually(`${id} shows ${count}`, async () => {
        const screen = await read();
        return screen.notes.length === count && screen;
      }),
    gets: (count) =>
      eventually(`${id} gets ${count}`, async () => {
        const screen = await read();
        return screen.arrived.length >= count && screen;
      }),
    async trouble(always) {
      await call(usher.url, undefined, 'POST', '/dev/lock-screen/trouble', { address, always });
    },
  };
  await phone.register(userId, more);
  return phone;
}

/** What became of the pushes of a device, in the order of their events. */
export const fates = (usher: TestUsher, deviceId: string) =>
  usher.database.query<{ state: string; reason: string | null }>(
    `SELECT state, reason FROM push WHERE device_id = $1 ORDER BY "offset"`,
    [deviceId],
  );

/** Once the only push of the device has this fate. */
export const fate = (usher: TestUsher, deviceId: string, state: string, reason: string | null = null) =>
  eventually(`${deviceId}: ${state} ${reason ?? ''}`, async () => {
    const found = await fates(usher, deviceId);
    return found.length === 1 && found[0]?.state === state && found[0].reason === reason;
  });
