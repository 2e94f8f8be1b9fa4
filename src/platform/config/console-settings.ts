import { z } from 'zod';
import { ROLES_OF_PEOPLE, type PersonRole } from '../auth/person.js';
import { list, text, url } from './setting-types.js';

/** A role of the console, and a group of the identity provider whose members have it. */
export interface RoleOfGroup {
  readonly role: PersonRole;
  readonly group: string;
}

const ROLE_OF_GROUP = new RegExp(`^(${ROLES_OF_PEOPLE.join('|')})=(.+)$`);

function roleOfGroup(text: string): RoleOfGroup {
  const [, role, group = ''] = ROLE_OF_GROUP.exec(text) ?? [];
  return { role: role as PersonRole, group };
}

const rolesOfGroups = () =>
  list()
    .refine((all) => all.every((one) => ROLE_OF_GROUP.test(one)), {
      error: `must be role=group with commas between, and each role one of ${ROLES_OF_PEOPLE.join(', ')}`,
    })
    .transform((all) => all.map(roleOfGroup))
    .default([]);

/** The console, and how people sign in to it. */
export const consoleSettings = {
  /** Whether nodes with the role `api` serve the console at `/console`. */
  CONSOLE: z.enum(['on', 'off']).default('off'),
  /** The address at which people open Usher, without `/console`; the identity provider sends them back there. */
  CONSOLE_URL: url('https:', 'http:')
    .transform((value) => new URL(value).origin)
    .optional(),
  /** The identity provider (OpenID Connect), which has `/.well-known/openid-configuration` below this. */
  CONSOLE_OIDC_ISSUER: url('https:', 'http:').optional(),
  /** The client's id at the identity provider. */
  CONSOLE_OIDC_CLIENT_ID: text().optional(),
  /** The client's secret; without one the client is a public one. */
  CONSOLE_OIDC_CLIENT_SECRET: text().optional(),
  /** The claim of the ID token that lists a person's groups. */
  CONSOLE_OIDC_GROUPS: text().default('groups'),
  /** Who may do what: role=group with commas between. Who is in none of the groups may not sign in. */
  CONSOLE_OIDC_ROLES: rolesOfGroups(),
};

interface ConsoleEnvironment {
  readonly NODE_ENV: string;
  readonly CONSOLE: string;
  readonly CONSOLE_URL?: string | undefined;
  readonly CONSOLE_OIDC_ISSUER?: string | undefined;
  readonly CONSOLE_OIDC_CLIENT_ID?: string | undefined;
  readonly CONSOLE_OIDC_ROLES: readonly unknown[];
}

/** Adds an issue for each setting that is needed so that people can sign in to the console, and safely. */
export function checkConsole(env: ConsoleEnvironment, context: z.RefinementCtx): void {
  if (env.CONSOLE === 'off') return;
  const refuse = (name: keyof ConsoleEnvironment, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message });
  if (env.CONSOLE_OIDC_ISSUER === undefined) {
    if (env.NODE_ENV !== 'development')
      refuse('CONSOLE_OIDC_ISSUER', 'is not set: with CONSOLE=on people sign in by OpenID Connect');
    return;
  }
  if (env.CONSOLE_OIDC_CLIENT_ID === undefined)
    refuse('CONSOLE_OIDC_CLIENT_ID', 'is not set: it is needed with CONSOLE_OIDC_ISSUER');
  if (env.CONSOLE_OIDC_ROLES.length === 0)
    refuse(
      'CONSOLE_OIDC_ROLES',
      'is not set: nobody could sign in; name a group for a role, as admin=usher-admins',
    );
  if (env.CONSOLE_URL === undefined)
    refuse('CONSOLE_URL', 'is not set: it is the address to which the identity provider sends people back');
  if (env.NODE_ENV === 'production' && !isHttps(env.CONSOLE_URL, env.CONSOLE_OIDC_ISSUER))
    refuse('CONSOLE_URL', 'and CONSOLE_OIDC_ISSUER must begin with https://');
}

const isHttps = (...urls: (string | undefined)[]): boolean =>
  urls.every((one) => one === undefined || one.startsWith('https:'));
