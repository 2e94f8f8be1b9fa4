/* What an app's sign-in does: signs user tokens. Beside it the page of the browser device, which may then fetch them from its own origin. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { signToken } from '../development.mjs';
import { project } from '../places.mjs';

/**
 * Listens on a free port: `/token?user=…` returns a token that lives for `tokenSeconds`, `/` the page. `page` is the script of `bundlePage`, or
 * null.
 */
export async function startSignIn({ secret, tokenSeconds, page }) {
  const responses = {
    '/token': (query) => ['text/plain', signUserToken(query.get('user'), tokenSeconds, secret)],
    '/': () => ['text/html', '<!doctype html><script type="module" src="/page.js"></script>'],
    '/page.js': () => ['text/javascript', page ?? ''],
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://sign-in');
    if (!Object.hasOwn(responses, pathname)) return response.writeHead(404).end();
    const [type, body] = responses[pathname](searchParams);
    return response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Returns a user token that lives for so many seconds. */
export function signUserToken(user, seconds, secret) {
  const now = Math.floor(Date.now() / 1_000);
  return signToken({ sub: user, aud: 'usher', iat: now, exp: now + seconds }, secret);
}

/** Returns the script of the page: the web client as a bundler makes it, with `openDevice` as a global function. */
export function bundlePage() {
  const device = readFileSync(join(project, 'tools', 'room', 'web-device.mjs'), 'utf8');
  const opening = `
globalThis.openDevice = ({ tokens, ...options }) => {
  const getToken = async (user) => (await fetch(tokens + '?user=' + user, { signal: AbortSignal.timeout(5_000) })).text();
  globalThis.device = createWebDevice({ ...options, getToken, say: globalThis.say });
};`;
  return execFileSync(process.execPath, [join(project, 'test', 'browser', 'web-client', 'bundle.mjs')], {
    input: device + opening,
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 16_000_000,
  });
}
