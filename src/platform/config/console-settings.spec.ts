import { describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from './config.js';

const NEEDED = {
  DATABASE_URL: 'postgres://localhost/usher',
  REDIS_URL: 'redis://localhost',
  AUTH_JWT_SECRET: 'thirty-two bytes and some more, for tests',
};
const OIDC = {
  CONSOLE: 'on',
  CONSOLE_URL: 'https://usher.example/console',
  CONSOLE_OIDC_ISSUER: 'https://login.example',
  CONSOLE_OIDC_CLIENT_ID: 'usher',
  CONSOLE_OIDC_ROLES: 'admin=cn=usher-admins, read=staff',
};

/** The names of the settings that the boot complains of. */
function complaints(env: Record<string, string>): string[] {
  try {
    readConfig({ ...NEEDED, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message.split('\n').map((line) => line.split(' ')[0] ?? '');
    throw error;
  }
}

describe('the settings of the console', () => {
  test('are not needed while it is off', () => {
    expect(complaints({})).toEqual([]);
    expect(readConfig(NEEDED).CONSOLE).toBe('off');
  });

  test('say which role a group has, whatever the group is called', () => {
    const { CONSOLE_OIDC_ROLES, CONSOLE_URL } = readConfig({ ...NEEDED, ...OIDC });
    expect(CONSOLE_OIDC_ROLES).toEqual([
      { role: 'admin', group: 'cn=usher-admins' },
      { role: 'read', group: 'staff' },
    ]);
    expect(CONSOLE_URL).toBe('https://usher.example');
    for (const wrong of ['root=staff', 'admin', 'admin='])
      expect(complaints({ ...OIDC, CONSOLE_OIDC_ROLES: wrong })).toEqual(['CONSOLE_OIDC_ROLES']);
  });

  test('must name an identity provider and who may do what, except in development', () => {
    expect(complaints({ CONSOLE: 'on' })).toEqual(['CONSOLE_OIDC_ISSUER']);
    expect(complaints({ CONSOLE: 'on', NODE_ENV: 'development' })).toEqual([]);
    expect(complaints({ CONSOLE: 'on', CONSOLE_OIDC_ISSUER: 'https://login.example' })).toEqual([
      'CONSOLE_OIDC_CLIENT_ID',
      'CONSOLE_OIDC_ROLES',
      'CONSOLE_URL',
    ]);
  });

  test('must be of HTTPS in production, or whoever listens could sign in', () => {
    expect(complaints({ ...OIDC, CONSOLE_URL: 'http://usher.example' })).toEqual(['CONSOLE_URL']);
    expect(complaints({ ...OIDC, CONSOLE_OIDC_ISSUER: 'http://login.example' })).toEqual(['CONSOLE_URL']);
    expect(complaints({ ...OIDC, CONSOLE_URL: 'http://localhost', NODE_ENV: 'test' })).toEqual([]);
  });
});
