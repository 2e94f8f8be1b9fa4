import { describe, expect, test } from '@jest/globals';
import { handlePushes, type PushOptions, type WorkerScope } from '../../clients/web/src/service-worker.js';

const data = { id: 'e-1', type: 'offer.made', userId: 'ann', collapseId: 'c' };

/** A window of the app, as browsers have it: only a window that the worker controls can be navigated by it. */
class FakeWindow {
  url = 'https://app.test/';
  isFocused = false;

  constructor(readonly isControlled: boolean) {}

  focus = async () => void (this.isFocused = true);

  navigate = async (url: string) => {
    if (!this.isControlled)
      throw new TypeError('This service worker is not the client’s active service worker.');
    this.url = url;
  };
}

/** Clicks a notification of an event. Returns the addresses of the windows that were opened. */
async function click(windows: FakeWindow[], options: Partial<PushOptions>): Promise<string[]> {
  const opened: string[] = [];
  const listeners = new Map<string, (event: never) => void>();
  const scope: WorkerScope = {
    registration: { showNotification: async () => undefined, getNotifications: async () => [] },
    navigator: {},
    clients: {
      matchAll: async ({ includeUncontrolled }) =>
        windows.filter(({ isControlled }) => isControlled || includeUncontrolled),
      openWindow: async (url) => void opened.push(url),
    },
    addEventListener: (name, listener) => void listeners.set(name, listener),
  };
  handlePushes(scope, { isSignedIn: () => true, ...options });
  let work: Promise<unknown> | undefined;
  const event = {
    notification: { data, close: () => undefined },
    waitUntil: (promise: Promise<unknown>) => void (work = promise),
  };
  listeners.get('notificationclick')?.(event as never);
  await work;
  return opened;
}

describe('a click on a notification', () => {
  const getUrl = () => '/offer';

  test('leads the app’s window to the address of the event', async () => {
    const window = new FakeWindow(true);
    expect(await click([window], { getUrl })).toEqual([]);
    expect(window).toMatchObject({ url: '/offer', isFocused: true });
  });

  test('opens a window for it where the app’s one was loaded before the worker, and cannot be led', async () => {
    expect(await click([new FakeWindow(false)], { getUrl })).toEqual(['/offer']);
    const controlled = new FakeWindow(true);
    expect(await click([new FakeWindow(false), controlled], { getUrl })).toEqual([]);
    expect(controlled.url).toBe('/offer');
  });

  test('shows the app’s window as it is where events have no address, and opens one where there is none', async () => {
    const window = new FakeWindow(false);
    expect(await click([window], {})).toEqual([]);
    expect(window.isFocused).toBe(true);
    expect(await click([], {})).toEqual(['/']);
  });
});
