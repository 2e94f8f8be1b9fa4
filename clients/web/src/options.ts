import { defaultStorage, type PositionStorage } from './position.js';
import type { TokenSource } from './token.js';

/** What `connect` takes. */
export interface ConnectOptions {
  /** Where Usher is, e.g. `https://usher.example.com`; a path is kept (`https://example.com/usher`). */
  readonly url: string;
  /**
   * The user's token, or what fetches one. A function is called again for every connection, before the token expires,
   * and once more when a token was refused. With a plain string the client closes when that token is no longer good.
   */
  readonly token: TokenSource;
  /** Names this installation of the app; choose it once and keep it. */
  readonly deviceId: string;
  readonly platform: 'ios' | 'android' | 'web' | 'tv';
  readonly appVersion?: string;
  /** The person within the account; `main` if not given. */
  readonly profileId?: string;
  /** Where the position is kept. Default: `localStorage`, or memory where there is none. */
  readonly storage?: PositionStorage;
  /** Default: `['websocket']`. */
  readonly transports?: readonly ('websocket' | 'polling')[];
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number;
  /** A number from 0 up to but not including 1; for tests. */
  readonly random?: () => number;
}

/** The options with every default filled in. */
export interface Settings {
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly tokenRenews: boolean;
  readonly deviceId: string;
  readonly profileId: string;
  readonly storage: PositionStorage;
  readonly transports: readonly string[];
  readonly now: () => number;
  readonly random: () => number;
  /** What every handshake says of this device; the Java client can send strings only, so all of us do. */
  readonly introduction: Readonly<Record<string, string>>;
}

export function settle(options: ConnectOptions): Settings {
  const { token, deviceId, platform, appVersion, profileId } = options;
  return {
    url: new URL(options.url).href.replace(/\/+$/, ''), // throws at once, and not at the tenth attempt
    token: async () => (typeof token === 'string' ? token : token()),
    tokenRenews: typeof token === 'function',
    deviceId,
    profileId: profileId ?? 'main',
    storage: options.storage ?? defaultStorage(),
    transports: options.transports ?? ['websocket'],
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    introduction: { deviceId, platform, ...(appVersion && { appVersion }), ...(profileId && { profileId }) },
  };
}
