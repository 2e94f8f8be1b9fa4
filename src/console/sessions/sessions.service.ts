import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { PersonIdentity, PersonSessions } from '../../platform/auth/person.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { growingCache } from '../../platform/growing-cache.js';
import { hashOf, newSecret } from './secret.js';
import { SecretStore } from './secret.store.js';
import { consoleCookie, readCookie } from './session-cookie.js';
import { keptFor, MAX_SESSION_MS, type StoredSession } from './session.js';

/** Sessions that a node remembers. */
const MAX_SESSIONS = 10_000;
/** How long a sign-out at another node may take to reach this one, as with the keys of ServiceKeysService. */
const CACHE_MS = 2_000;

/** Opens, finds and ends the sessions of people in the console. */
@Injectable()
export class SessionsService implements PersonSessions {
  private readonly cache = growingCache<StoredSession>(MAX_SESSIONS, CACHE_MS);
  private readonly cookieName: string;

  constructor(
    private readonly store: SecretStore,
    @Inject(CONFIG) config: Config,
  ) {
    this.cookieName = consoleCookie('session', 0, isPlainHttp(config)).name;
  }

  /** Opens a session. Returns the secret, which belongs into the cookie, and when the session ends at the latest. */
  async open(person: StoredSession['person']): Promise<{ secret: string; expiresAt: number }> {
    const secret = newSecret();
    const session = { person, expiresAt: Date.now() + MAX_SESSION_MS };
    await this.store.put('session', hashOf(secret), session, keptFor(session, Date.now()));
    return { secret, expiresAt: session.expiresAt };
  }

  /**
   * The header is what another site's page cannot send: a form cannot, and a script would have to ask first (CORS), which is refused. The
   * cookie's SameSite says the same; this holds in old browsers too, and for sites under the same domain.
   */
  async identify(headers: IncomingHttpHeaders): Promise<PersonIdentity | undefined> {
    if (headers['x-usher-console'] === undefined) return undefined;
    const found = await this.find(headers);
    return found && { ...found.session.person, sessionId: found.hash };
  }

  /** Returns the session of these headers, with its hash; undefined when there is none. */
  async find(headers: IncomingHttpHeaders): Promise<{ hash: string; session: StoredSession } | undefined> {
    const secret = readCookie(headers.cookie, this.cookieName);
    if (secret === undefined) return undefined;
    const hash = hashOf(secret);
    const session = this.cache.get(hash) ?? (await this.load(hash));
    return session && keptFor(session, Date.now()) > 0 ? { hash, session } : undefined;
  }

  async filterValid(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    const sessions = await Promise.all(hashes.map((hash) => this.store.get('session', hash)));
    const now = Date.now();
    return new Set(
      hashes.filter((_, n) => {
        const session = sessions[n] as StoredSession | undefined;
        return session !== undefined && keptFor(session, now) > 0;
      }),
    );
  }

  /** Ends the session. Other nodes refuse it within 2 s. */
  async end(hash: string): Promise<void> {
    this.cache.delete(hash);
    await this.store.remove('session', hash);
  }

  /** Each read prolongs the session. */
  private async load(hash: string): Promise<StoredSession | undefined> {
    const session = (await this.store.get('session', hash)) as StoredSession | undefined;
    if (session === undefined) return undefined;
    await this.store.extend('session', hash, Math.max(1, keptFor(session, Date.now())));
    this.cache.set(hash, session);
    return session;
  }
}

/** Whether browsers reach the node without HTTPS, as in development. */
export const isPlainHttp = ({ NODE_ENV, CONSOLE_URL }: Config): boolean =>
  NODE_ENV !== 'production' && !(CONSOLE_URL ?? 'http:').startsWith('https:');
