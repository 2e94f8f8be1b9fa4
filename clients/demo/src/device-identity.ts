/** The three devices of the page. */
export const DEVICE_KINDS = ['tv', 'phone', 'browser'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export const DEVICE_NAMES: Record<DeviceKind, string> = {
  tv: 'Living-room TV',
  phone: 'Phone',
  browser: 'Browser',
};
export const PLATFORMS = { tv: 'tv', phone: 'android', browser: 'web' } as const;

const USER_ID = /^[A-Za-z0-9_.:-]{1,40}$/;
const STORAGE_KEY = 'usher page';

/** Returns the user in `?user=`, or `demo`. Undefined if Usher would refuse that id. */
export function getUserId(search: string): string | undefined {
  const userId = new URLSearchParams(search).get('user') || 'demo';
  return USER_ID.test(userId) ? userId : undefined;
}

/**
 * Returns an id for this tab, the same after a reload. It is removed from the tab's storage while in use, so that a duplicated
 * tab does not find it: two tabs with the same device ids would replace each other's connections.
 */
export function getTabId(): string {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  sessionStorage.removeItem(STORAGE_KEY);
  const tabId =
    stored ?? Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(36)).join('');
  addEventListener('pagehide', () => sessionStorage.setItem(STORAGE_KEY, tabId));
  return tabId;
}

/** Returns the id of a device of this tab. `suffix` distinguishes it from those of other tabs. */
export function getDeviceId(kind: DeviceKind, suffix: string): string {
  return `${kind}-${suffix}`;
}
