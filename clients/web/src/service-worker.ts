// `@usher/client/service-worker`: shows Usher's pushes. It is imported by the app's service worker, and needs no socket.
import { isRecord } from './validation.js';

/** The data of every push (docs/CONTRACT.md, "Push"). */
export interface PushData {
  /** The event's id. */
  readonly id: string;
  readonly type: string;
  readonly userId: string;
  readonly collapseId: string;
  readonly epoch?: string;
  readonly offset?: string;
  /** The id of the event whose notification is to be removed. */
  readonly clear?: string;
}

export interface PushOptions {
  /** True if this user is signed in in this browser. A push to another one is ignored. */
  isSignedIn(userId: string): boolean | Promise<boolean>;
  /** Returns the address to open when the notification is clicked. Default: `/`. */
  getUrl?(data: PushData): string;
  /** A person clicked the notification: report it, by {@link sendSeen} for instance. */
  onSeen?(data: PushData): Promise<unknown>;
  /** The push has no text: do in the background what it is about, e.g. fetch the state. */
  onBackground?(data: PushData): Promise<unknown>;
}

interface Waiting extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface PushReceived extends Waiting {
  readonly data: { json(): unknown } | null;
}
/** What is used of a Notification. */
interface ShownNotification {
  readonly data: unknown;
  close(): void;
}
interface NotificationClicked extends Waiting {
  readonly notification: ShownNotification;
}
interface Registration {
  showNotification(title: string, options: { data: PushData; body?: string; tag?: string }): Promise<void>;
  getNotifications(filter: { tag: string }): Promise<readonly ShownNotification[]>;
}
interface WindowOfApp {
  readonly url: string;
  focus(): Promise<unknown>;
  navigate(url: string): Promise<unknown>;
}

/** What is used of a service worker's global scope. (TypeScript's own type of it excludes that of pages.) */
export interface WorkerScope {
  readonly registration: Registration;
  readonly navigator: { setAppBadge?(count: number): Promise<void> };
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly WindowOfApp[]>;
    openWindow(url: string): Promise<unknown>;
  };
  addEventListener(name: string, listener: (event: never) => void): void;
}

/** Shows, replaces and removes notifications as pushes come, and opens the app when one is clicked. Call it once, at the top. */
export function handlePushes(scope: WorkerScope, options: PushOptions): void {
  scope.addEventListener('push', (event: PushReceived) => {
    const push = parsePush(event.data);
    if (push) event.waitUntil(receive(scope, options, push));
  });
  scope.addEventListener('notificationclick', (event: NotificationClicked) => {
    const { data } = event.notification;
    if (!isPushData(data)) return; // not one of ours
    event.notification.close();
    event.waitUntil(open(scope, options, data));
  });
}

/** How long a receipt may take. The browser ends a service worker that works for long. */
const SEEN_TIMEOUT_MS = 10_000;

/**
 * Tells the server that a person has seen the event of a push, without a socket.
 * Rejects with an Error if the server did not take it, or did not respond in 10 s.
 */
export async function sendSeen(
  data: PushData,
  { url, token, deviceId }: { readonly url: string; readonly token: string; readonly deviceId: string },
): Promise<void> {
  const response = await fetch(`${url.replace(/\/+$/, '')}/v1/me/receipts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ deviceId, ids: [data.id], state: 'seen' }),
    signal: AbortSignal.timeout(SEEN_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the receipt was refused with ${response.status}`);
}

interface Push {
  readonly title?: string;
  readonly body?: string;
  readonly badge?: number;
  readonly tag?: string;
  readonly data: PushData;
}

async function receive(scope: WorkerScope, options: PushOptions, push: Push): Promise<void> {
  const { title, body, badge, tag, data } = push;
  if (!(await options.isSignedIn(data.userId))) return;
  if (badge !== undefined) await scope.navigator.setAppBadge?.(badge).catch(() => undefined); // an ornament
  if (data.clear !== undefined) return remove(scope, data.collapseId, data.clear);
  if (title === undefined) return void (await options.onBackground?.(data));
  await scope.registration.showNotification(title, {
    data,
    ...(body !== undefined && { body }),
    ...(tag !== undefined && { tag }),
  });
}

/** Removes the event's notification, but not that of a newer event of the same key. */
async function remove({ registration }: WorkerScope, tag: string, id: string): Promise<void> {
  for (const notification of await registration.getNotifications({ tag })) {
    const { data } = notification;
    if (isPushData(data) && data.id === id) notification.close();
  }
}

async function open({ clients }: WorkerScope, options: PushOptions, data: PushData): Promise<void> {
  const seen = options.onSeen?.(data);
  const url = options.getUrl?.(data);
  // A window that was loaded before this worker, which does not control it, can be shown but not navigated.
  const [window] = await clients.matchAll({ type: 'window', includeUncontrolled: url === undefined });
  // First the window: browsers allow it only shortly after the click.
  const opened = window
    ? window.focus().then(() => (url === undefined ? undefined : window.navigate(url)))
    : clients.openWindow(url ?? '/');
  const outcomes = await Promise.allSettled([opened, seen]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function parsePush(data: PushReceived['data']): Push | undefined {
  let push: unknown;
  try {
    push = data?.json();
  } catch {
    return undefined; // not one of ours
  }
  if (!isRecord(push) || !isPushData(push['data'])) return undefined;
  const { title, body, badge, tag } = push;
  return {
    data: push['data'],
    ...(typeof title === 'string' && { title }),
    ...(typeof body === 'string' && { body }),
    ...(typeof badge === 'number' && { badge }),
    ...(typeof tag === 'string' && { tag }),
  };
}

function isPushData(value: unknown): value is PushData {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    typeof value['userId'] === 'string' &&
    typeof value['collapseId'] === 'string'
  );
}
