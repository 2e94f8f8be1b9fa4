import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import {
  type FakeIdentityProvider,
  startFakeIdentityProvider,
} from '../../support/fakes/fake-identity-provider.js';

const CONSOLE_URL = 'https://usher.example';
const SESSION = '__Host-usher_console_session';

let usher: TestUsher;
let redis: Redis;
let provider: FakeIdentityProvider;
beforeAll(async () => {
  redis = new Redis(process.env.REDIS_URL ?? '');
  provider = await startFakeIdentityProvider();
  usher = await startUsher({
    ...provider.environment,
    CONSOLE_URL,
    CONSOLE_OIDC_ROLES: 'read=staff,admin=usher-admins,support=helpers',
  });
});
afterAll(async () => {
  redis?.disconnect();
  await usher?.stop();
  await provider?.close();
});
beforeEach(() => {
  provider.person = { sub: 'u1', name: 'Ada Lovelace', groups: ['helpers', 'staff'] };
  provider.wrongClaims = {};
  provider.groupsInUserInfo = false;
});

/** A browser as far as it matters here: it keeps cookies, and visits one address after the other. */
class Browser {
  readonly cookies = new Map<string, string>();
  /** The last `Set-Cookie` of each name. */
  readonly set = new Map<string, string>();

  async visit(url: string, method = 'GET', headers: Record<string, string> = {}, body?: string) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url.replace(CONSOLE_URL, usher.url), {
      method,
      headers: { ...(cookie !== '' && { cookie }), ...headers },
      redirect: 'manual',
      ...(body !== undefined && { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.set.set(name, line);
      if (value === '' || /Max-Age=0/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** Follows the sign-in to where it ends. Returns the address. */
  async signIn(): Promise<string> {
    const atProvider = await this.visit(`${usher.url}/console/sign-in/oidc`);
    const back = await this.visit(atProvider.headers.get('location') ?? '');
    const end = await this.visit(back.headers.get('location') ?? '');
    return end.headers.get('location') ?? '';
  }

  call(path: string, method = 'GET', headers: Record<string, string> = { 'x-usher-console': '1' }) {
    return this.visit(`${usher.url}${path}`, method, headers);
  }
}

const signedIn = async () => {
  const browser = new Browser();
  expect(await browser.signIn()).toBe('/console/');
  return browser;
};

describe('the console', () => {
  test('signs a person in by the identity provider, with the highest role of their groups', async () => {
    const browser = await signedIn();
    expect(await (await browser.call('/console/session')).json()).toEqual({
      person: { name: 'Ada Lovelace', role: 'support', until: expect.any(String) },
      signIn: 'oidc',
    });
  });

  test('finds groups that are in the user info and not in the ID token', async () => {
    provider.groupsInUserInfo = true;
    const browser = await signedIn();
    expect(await (await browser.call('/console/session')).json()).toMatchObject({
      person: { role: 'support' },
    });
  });

  test('keeps the session in a cookie of this host alone, which scripts cannot read and other sites cannot send', async () => {
    const browser = await signedIn();
    const line = browser.set.get(SESSION) ?? '';
    for (const attribute of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict', 'Max-Age=28800'])
      expect(line).toContain(attribute);
    expect(line).not.toContain('Domain');
    expect([...browser.cookies.keys()]).toEqual([SESSION]);
  });

  test('does not sign in who is in no group that has a role', async () => {
    provider.person = { sub: 'u2', groups: ['everyone'] };
    const browser = new Browser();
    expect(await browser.signIn()).toBe('/console/?refused=no_role');
    expect(browser.cookies.size).toBe(0);
  });

  test.each([
    ['another audience', { aud: 'another-client' }],
    ['another issuer', { iss: 'http://127.0.0.1:1' }],
    ['another nonce', { nonce: 'of another sign-in' }],
  ])('does not believe an ID token with %s', async (_, wrongClaims) => {
    provider.wrongClaims = wrongClaims;
    expect(await new Browser().signIn()).toBe('/console/?refused=failed');
  });

  test('does not complete the sign-in of another browser, nor one a second time', async () => {
    const [browser, victim] = [new Browser(), new Browser()];
    const atProvider = await browser.visit(`${usher.url}/console/sign-in/oidc`);
    const back = await browser.visit(atProvider.headers.get('location') ?? '');
    const callback = back.headers.get('location') ?? '';
    // An attacker makes the victim's browser complete the attacker's sign-in.
    const stolen = await victim.visit(callback);
    expect(stolen.headers.get('location')).toBe('/console/?refused=expired');
    const { cookies } = browser;
    const before = new Map(cookies);
    expect((await browser.visit(callback)).headers.get('location')).toBe('/console/');
    for (const [name, value] of before) cookies.set(name, value);
    expect((await browser.visit(callback)).headers.get('location')).toBe('/console/?refused=expired');
  });

  test('does not complete a sign-in with another state', async () => {
    const browser = new Browser();
    const atProvider = await browser.visit(`${usher.url}/console/sign-in/oidc`);
    const back = await browser.visit(atProvider.headers.get('location') ?? '');
    const callback = (back.headers.get('location') ?? '').replace(/state=[^&]+/, 'state=another');
    expect((await browser.visit(callback)).headers.get('location')).toBe('/console/?refused=failed');
  });

  test('serves its page with a policy that allows its own scripts alone, and never from a cache', async () => {
    const page = await fetch(`${usher.url}/console/users/ann`);
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    const script = /src="(\/console\/assets\/[^"]+)"/.exec(await page.text())?.[1] ?? '';
    const asset = await fetch(`${usher.url}${script}`);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await fetch(`${usher.url}/console/assets/none.js`)).status).toBe(404);
  });

  test('makes one-time links in development alone', async () => {
    const reply = await usher.backOffice.call('POST', '/v1/console/links', {});
    expect(reply).toMatchObject({ status: 501, body: { code: 'not_configured' } });
  });
});

describe('a session', () => {
  test('may make the calls that its role allows, and no others', async () => {
    const browser = await signedIn();
    expect((await browser.call('/v1/users/ann')).status).toBe(200);
    expect(
      (
        await browser.call('/v1/users/ann/streams', 'DELETE', {
          'x-usher-console': '1',
          'usher-reason': 'a test',
        })
      ).status,
    ).toBe(200);
    const refused = await browser.call('/v1/users/ann', 'DELETE');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'forbidden' });
    expect((await browser.call('/v1/me/state')).status).toBe(401);
  });

  test('is told of by the audit as the person whose it is, with their reason in any script', async () => {
    const browser = await signedIn();
    const reason = 'Kündigung, 4711 – 東京';
    const headers = { 'x-usher-console': '1', 'usher-reason': `UTF-8''${encodeURIComponent(reason)}` };
    await browser.call('/v1/users/cem/streams', 'DELETE', headers);
    const { entries } = (await (await browser.call('/v1/audit?user=cem')).json()) as { entries: unknown[] };
    expect(entries).toMatchObject([
      {
        actor: { kind: 'person', id: 'u1', name: 'Ada Lovelace' },
        role: 'support',
        action: 'streams.stop',
        reason,
      },
    ]);
  });

  test('counts only together with the header that another site’s page cannot send', async () => {
    const browser = await signedIn();
    expect((await browser.call('/v1/users/ann', 'GET', {})).status).toBe(401);
    expect((await browser.call('/console/session', 'DELETE', {})).status).toBe(403);
    expect((await browser.call('/v1/users/ann')).status).toBe(200);
  });

  test('ends when the person signs out, for whoever has a copy of its cookie too', async () => {
    const browser = await signedIn();
    const stolen = new Browser();
    for (const [name, value] of browser.cookies) stolen.cookies.set(name, value);
    expect((await browser.call('/console/session', 'DELETE')).status).toBe(204);
    expect(browser.cookies.size).toBe(0);
    expect((await stolen.call('/v1/users/ann')).status).toBe(401);
  });

  test('ends what it watches when the person signs out', async () => {
    const [browser, other] = [await signedIn(), await signedIn()];
    const open = new Set<Browser>();
    for (const one of [browser, other]) {
      const response = await one.call('/v1/analytics/stream');
      expect(response.status).toBe(200);
      open.add(one);
      void response
        .text()
        .catch(() => undefined)
        .finally(() => open.delete(one));
    }
    expect((await browser.call('/console/session', 'DELETE')).status).toBe(204);
    await eventually('the stream is closed', () => !open.has(browser), 2_000);
    expect(open.has(other)).toBe(true);
  });

  test('is limited in its calls', async () => {
    const browser = await signedIn();
    const response = await browser.call('/v1/users/ann');
    expect(response.headers.get('ratelimit-policy')).toBe('"session";q=100;w=5');
  });

  test('is stored by the hash of its secret, and logged not at all', async () => {
    const browser = await signedIn();
    const secret = browser.cookies.get(SESSION) ?? 'none';
    expect(secret).toHaveLength(43);
    const stored = await redis.keys('usher:*:console:session:*');
    expect(stored.join()).toContain(createHash('sha256').update(secret).digest('hex'));
    expect([...stored, ...(await redis.mget(stored))].join()).not.toContain(secret);
    expect(usher.log()).not.toContain(secret);
    expect(usher.log()).not.toContain('the identity provider knows it');
  });
});
