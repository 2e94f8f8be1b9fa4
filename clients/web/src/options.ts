import { getDefaultStorage, type PositionStorage } from './position-store.js';
import type { TokenSource } from './token.js';

/** The options of `connect`. */
export interface ConnectOptions {
  /** Where Usher is, e.g. `https://usher.example.com`. A path is kept (`https://example.com/usher`). */
  readonly url: string;
  /**
   * The user's token, or a function that fetches one. A function is called for every connection, before the token expires, and
   * once more when a token was refused. With a plain string the client closes when that token is no longer valid.
   */
  readonly token: TokenSource;
  /** Identifies this installation of the app. Choose it once and keep it. */
  readonly deviceId: string;
  readonly platform: 'ios' | 'android' | 'web' | 'tv';
  readonly appVersion?: string;
  /** The person within the account. Default: `main`. */
  readonly profileId?: string;
  /** Where the position is stored. Default: `localStorage`, or memory where there is none. */
  readonly storage?: PositionStorage;
  /** Default: `['websocket']`. */
  readonly transports?: readonly ('websocket' | 'polling')[];
  /** Returns milliseconds since 1970. For tests. */
  readonly now?: () => number;
  /** Returns a number from 0 up to but not including 1. For tests. */
  readonly random?: () => number;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly url: string;
  readonly getToken: () => Promise<string>;
  /** True if `getToken` can return another token than the last time. */
  readonly isTokenRenewable: boolean;
  readonly deviceId: string;
  readonly profileId: string;
  readonly storage: PositionStorage;
  readonly transports: readonly string[];
  readonly now: () => number;
  /** Milliseconds by a clock that is never set. In some browsers it stands still while the machine sleeps. */
  readonly elapsed: () => number;
  readonly random: () => number;
  /** What every handshake sends about this device. Strings only, because Socket.IO's Java client sends nothing else. */
  readonly deviceAuth: Readonly<Record<string, string>>;
}

/** Fills in the defaults. Throws a TypeError if `url` is not a URL. */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  const { token, deviceId, platform, appVersion, profileId } = options;
  return {
    url: new URL(options.url).href.replace(/\/+$/, ''),
    getToken: async () => (typeof token === 'string' ? token : token()),
    isTokenRenewable: typeof token === 'function',
    deviceId,
    profileId: profileId ?? 'main',
    storage: options.storage ?? getDefaultStorage(),
    transports: options.transports ?? ['websocket'],
    now: options.now ?? Date.now,
    elapsed: options.now ?? (() => performance.now()),
    random: options.random ?? Math.random,
    deviceAuth: { deviceId, platform, ...(appVersion && { appVersion }), ...(profileId && { profileId }) },
  };
}
