/** A request to Usher, as a command for a shell shows it. It holds no credentials. */
export interface ShownRequest {
  readonly method: string;
  readonly path: string;
  /** `service_key`, `user_token`: as a bearer token. `stripe_signature`: by Stripe's signature of the body. */
  readonly authorizedBy: 'service_key' | 'user_token' | 'stripe_signature';
  /** The headers, without the one that authorizes it. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as a text, before it is compressed. */
  readonly body?: string;
}

/** The variables that `npm start` writes to `.usher/env`. */
const BEARER = { service_key: '$USHER_SERVICE_KEY', user_token: '$USHER_TOKEN' } as const;
/** Loads them. To be pasted once, in the folder of the project. */
export const LOAD_VARIABLES = '. ./.usher/env';

/**
 * Returns a command that sends this request again, for a POSIX shell with curl (and openssl for a signature). Its secrets are in variables.
 * `origin`: `http://127.0.0.1:3000`.
 */
export function toCurl(request: ShownRequest, origin: string): string {
  const { method, path, authorizedBy, headers, body } = request;
  const url = quote(`${origin}${path}`);
  const flags = Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  if (method !== (body === undefined ? 'GET' : 'POST')) flags.unshift(`-X ${method}`);
  if (authorizedBy === 'stripe_signature') return signed(url, flags, body ?? '');
  flags.push(`-H "authorization: Bearer ${BEARER[authorizedBy]}"`);
  if (headers['content-encoding'] === 'gzip')
    return `printf '%s\\n' ${quote(body ?? '')} | gzip | ${curl(url, [...flags, '--data-binary @-'])}`;
  return curl(url, body === undefined ? flags : [...flags, `-d ${quote(body)}`]);
}

/** Stripe signs `<seconds>.<body>` with the whole secret as the HMAC's key. */
function signed(url: string, flags: readonly string[], body: string): string {
  return [
    `body=${quote(body)}`,
    't=$(date +%s)',
    `v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$STRIPE_WEBHOOK_SECRET" | sed 's/.* //')`,
    curl(url, [...flags, '-H "stripe-signature: t=$t,v1=$v1"', '-d "$body"']),
  ].join('\n');
}

const curl = (url: string, flags: readonly string[]): string => ['curl -sS', url, ...flags].join(' \\\n  ');

/** Quotes a text so that a POSIX shell takes it as it is. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
