import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** The claims of the person who is signed in at the identity provider. */
export type Claims = { readonly sub: string; readonly [claim: string]: unknown };

/** A fake identity provider (OpenID Connect) that signs in `person` without asking. Authorization code with PKCE, as the standard has it. */
export interface FakeIdentityProvider {
  /** The settings that lead a node to this fake, for `startUsher`. */
  readonly environment: Record<string, string>;
  person: Claims;
  /** Claims that the ID token has instead of the right ones. */
  wrongClaims: Record<string, unknown>;
  /** Whether groups are in the user info alone. */
  groupsInUserInfo: boolean;
  close(): Promise<void>;
}

const CLIENT_ID = 'usher-console';
const CLIENT_SECRET = 'the identity provider knows it';

interface PendingCode {
  readonly person: Claims;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string;
}

export async function startFakeIdentityProvider(): Promise<FakeIdentityProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const codes = new Map<string, PendingCode>();
  const persons = new Map<string, Claims>();
  let issuer = '';

  const authorize = ({ searchParams: asked }: URL, response: ServerResponse) => {
    const code = randomUUID();
    const redirectUri = asked.get('redirect_uri') ?? '';
    codes.set(code, {
      person: provider.person,
      redirectUri,
      challenge: asked.get('code_challenge') ?? '',
      nonce: asked.get('nonce') ?? '',
    });
    const location = `${redirectUri}?${String(new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer }))}`;
    response.writeHead(302, { location }).end();
  };

  const token = async (form: URLSearchParams, response: ServerResponse) => {
    const code = form.get('code') ?? '';
    const pending = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      pending?.challenge === challenge &&
      pending.redirectUri === form.get('redirect_uri') &&
      form.get('client_id') === CLIENT_ID &&
      form.get('client_secret') === CLIENT_SECRET;
    if (!isRight) return json(response, { error: 'invalid_grant' }, 400);
    const accessToken = randomUUID();
    persons.set(accessToken, pending.person);
    const { groups, ...others } = pending.person;
    const idToken = await new SignJWT({
      ...others,
      ...(!provider.groupsInUserInfo && groups !== undefined && { groups }),
      nonce: pending.nonce,
      iss: issuer,
      aud: CLIENT_ID,
      ...provider.wrongClaims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    return json(response, { access_token: accessToken, token_type: 'Bearer', id_token: idToken });
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname === '/.well-known/openid-configuration') json(response, metadata(issuer));
    else if (url.pathname === '/jwks') json(response, { keys: [jwk] });
    else if (url.pathname === '/authorize') authorize(url, response);
    else if (url.pathname === '/token')
      void textOf(request).then((text) => token(new URLSearchParams(text), response));
    else if (url.pathname === '/userinfo')
      json(response, persons.get((request.headers.authorization ?? '').replace('Bearer ', '')) ?? {});
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: FakeIdentityProvider = {
    environment: {
      CONSOLE: 'on',
      CONSOLE_OIDC_ISSUER: issuer,
      CONSOLE_OIDC_CLIENT_ID: CLIENT_ID,
      CONSOLE_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    },
    person: { sub: 'nobody' },
    wrongClaims: {},
    groupsInUserInfo: false,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return provider;
}

const metadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  userinfo_endpoint: `${issuer}/userinfo`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  authorization_response_iss_parameter_supported: true,
});

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
