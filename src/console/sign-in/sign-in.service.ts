import { Inject, Injectable, Logger } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { highestRole, type PersonRole } from '../../platform/auth/person.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { hashOf, isSecret, newSecret } from '../sessions/secret.js';
import { SecretStore } from '../sessions/secret.store.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { OidcClient, type SignInChecks } from './oidc.client.js';

/** How long a person may take at the identity provider, in milliseconds. */
export const MAX_SIGN_IN_MS = 600_000;
/** How long a one-time link can be used, in milliseconds. */
const LINK_MS = 15 * 60_000;

/** Why nobody was signed in. The console says it in words. */
export type SignInRefusal = 'expired' | 'failed' | 'no_role';

/** What became of a sign-in: the secret of the new session and when it ends, or why there is none. */
export type SignInResult =
  { readonly secret: string; readonly expiresAt: number } | { readonly refusal: SignInRefusal };

/** Signs people in to the console: by the identity provider, and in development by a one-time link. */
@Injectable()
export class SignInService {
  private readonly log = new Logger('console');

  constructor(
    private readonly oidc: OidcClient,
    private readonly sessions: SessionsService,
    private readonly store: SecretStore,
    private readonly audit: AuditService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns where to send the browser, and the secret by which it is known when it comes back. Throws Problem unavailable. */
  async begin(): Promise<{ url: string; secret: string }> {
    const { url, checks } = await this.oidc.begin().catch((error: unknown) => {
      if (error instanceof Problem) throw error;
      this.log.warn(`The identity provider cannot be reached: ${messageOf(error)}`);
      throw new Problem('unavailable', 'The identity provider cannot be reached.', { retryAfterMs: 5_000 });
    });
    const secret = newSecret();
    await this.store.put('sign-in', hashOf(secret), checks, MAX_SIGN_IN_MS);
    return { url, secret };
  }

  /** Signs in whoever comes back from the identity provider with this query, and with the secret that `begin` returned. */
  async complete(secret: string | undefined, query: string): Promise<SignInResult> {
    const checks = secret === undefined ? undefined : await this.store.take('sign-in', hashOf(secret));
    if (checks === undefined) return { refusal: 'expired' };
    try {
      const { id, name, groups } = await this.oidc.complete(query, checks as SignInChecks);
      const role = this.roleOf(groups);
      if (role === undefined) return { refusal: 'no_role' };
      const session = await this.sessions.open({ id, name, role });
      this.log.log(`${id} signed in to the console, with the role ${role}`);
      return session;
    } catch (error) {
      if (error instanceof Problem) throw error;
      // The library's messages hold no codes and no tokens.
      this.log.warn(`A sign-in to the console failed: ${messageOf(error)}`);
      return { refusal: 'failed' };
    }
  }

  /** Returns the token of a new one-time link. Throws Problem not_configured outside development. */
  async createLink(role: PersonRole, by: AuditContext): Promise<{ token: string; expiresAt: string }> {
    if (this.config.NODE_ENV !== 'development')
      throw new Problem('not_configured', 'One-time links exist in development alone.');
    const token = newSecret();
    await this.audit.transaction('important', by, async () => {
      await this.store.put('link', hashOf(token), { role }, LINK_MS);
      const act = { action: 'console.link', target: { kind: 'role', id: role }, result: 'done' } as const;
      return { outcome: undefined, acts: [act] };
    });
    return { token, expiresAt: new Date(Date.now() + LINK_MS).toISOString() };
  }

  /** Exchanges a one-time link for a session, once. Throws Problem unauthorized. */
  async redeemLink(token: string): Promise<{ secret: string; expiresAt: number }> {
    const link = isSecret(token) ? await this.store.take('link', hashOf(token)) : undefined;
    if (link === undefined) throw new Problem('unauthorized', 'This link was used before, or is too old.');
    const { role } = link as { role: PersonRole };
    return this.sessions.open({ id: 'one-time-link', name: 'Developer', role });
  }

  private roleOf(groups: readonly string[]): PersonRole | undefined {
    return highestRole(
      this.config.CONSOLE_OIDC_ROLES.filter(({ group }) => groups.includes(group)).map(({ role }) => role),
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown error');
