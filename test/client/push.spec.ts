import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { subscribeToPush } from '../../clients/web/src/index.js';

/** A browser's push manager that has a subscription, and whose `subscribe` fails once with an error of this name. */
class FakePushManager {
  unsubscribed = 0;
  private readonly subscription = {
    toJSON: () => ({ endpoint: 'https://push.test/1', keys: { p256dh: 'p', auth: 'a' } }),
    unsubscribe: async () => ++this.unsubscribed > 0,
  };

  constructor(private errorName: string | undefined) {}

  async subscribe() {
    const { errorName } = this;
    this.errorName = undefined;
    if (errorName) throw new DOMException('no', errorName);
    return this.subscription;
  }

  getSubscription = async () => this.subscription;
}

const address = { kind: 'webpush', address: 'https://push.test/1', keys: { p256dh: 'p', auth: 'a' } };

beforeEach(() => {
  const Notification = { requestPermission: async () => 'granted' };
  Object.defineProperty(globalThis, 'Notification', { value: Notification, configurable: true });
});
afterEach(() => void Reflect.deleteProperty(globalThis, 'Notification'));

test('a subscription with another key is replaced', async () => {
  const pushManager = new FakePushManager('InvalidStateError');
  await expect(subscribeToPush({ pushManager }, 'key')).resolves.toEqual(address);
  expect(pushManager.unsubscribed).toBe(1);
});

test.each(['AbortError', 'NotAllowedError'])('after a failure (%s) the subscription stays', async (name) => {
  const pushManager = new FakePushManager(name);
  await expect(subscribeToPush({ pushManager }, 'key')).rejects.toMatchObject({
    code: 'push_unavailable',
    retryable: true,
  });
  expect(pushManager.unsubscribed).toBe(0);
});
