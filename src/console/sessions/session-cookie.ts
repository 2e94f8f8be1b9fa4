import { isSecret } from './secret.js';

/** How a cookie is set. */
export interface CookieOptions {
  readonly httpOnly: true;
  readonly secure: boolean;
  readonly sameSite: 'strict' | 'lax';
  readonly path: '/';
  /** Milliseconds. */
  readonly maxAge: number;
}

/** A cookie of the console: its name, and how it is set. */
export interface ConsoleCookie {
  readonly name: string;
  readonly options: CookieOptions;
}

/**
 * Returns the cookie. With the prefix `__Host-` a browser takes it over HTTPS alone, from this host alone, and for this host alone. In
 * development, where there is no HTTPS, it has another name: not every browser takes such a cookie from localhost.
 */
export function consoleCookie(
  name: 'session' | 'sign-in',
  maxAge: number,
  isPlainHttp: boolean,
): ConsoleCookie {
  const options = {
    httpOnly: true,
    secure: !isPlainHttp,
    // The identity provider sends the browser back from another site, and the cookie of the sign-in must come with it.
    sameSite: name === 'session' ? 'strict' : 'lax',
    path: '/',
    maxAge,
  } as const;
  return { name: `${isPlainHttp ? '' : '__Host-'}usher_console_${name.replace('-', '_')}`, options };
}

/** Returns the secret in the cookie of this name; undefined without one, or when it is none. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value !== undefined && isSecret(value) ? value : undefined;
}
