/** The three devices of the page. */
export const KINDS = ['tv', 'phone', 'browser'] as const;
export type Kind = (typeof KINDS)[number];

export const NAMES: Record<Kind, string> = { tv: 'Living-room TV', phone: 'Phone', browser: 'Browser' };
export const PLATFORMS = { tv: 'tv', phone: 'android', browser: 'web' } as const;

const USER = /^[A-Za-z0-9_.:-]{1,40}$/;
const KEPT = 'usher page';

/** Whose screens these are: `?user=`, or demo. Undefined for a name that Usher would refuse. */
export function userInAddress(search: string): string | undefined {
  const asked = new URLSearchParams(search).get('user') || 'demo';
  return USER.test(asked) ? asked : undefined;
}

/**
 * Names this tab's devices; the same after a reload. A device has one connection, so two tabs must not share the name: it
 * is taken out of the tab's storage while in use, and a duplicated tab finds none.
 */
export function nameOfTab(): string {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  const name =
    kept ?? Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(36)).join('');
  addEventListener('pagehide', () => sessionStorage.setItem(KEPT, name));
  return name;
}
