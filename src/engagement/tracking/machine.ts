import { isbot } from 'isbot';

/** What is looked at of a request for a link or a pixel. Header names are in lower case. */
export interface TrackedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A browser fetches a page before anybody asked for it. */
const PREFETCH = /\b(prefetch|prerender|preview)\b/i;
const PREFETCH_HEADERS = ['purpose', 'sec-purpose', 'x-purpose', 'x-moz'];

/** Services that fetch the images of mails for their users, and scanners that look at links before people do. */
const PROXIES =
  /GoogleImageProxy|ggpht\.com|YahooMailProxy|DuckDuckGo.*Proxy|Outlook-iOS.*Preview|BingPreview|Barracuda|Proofpoint|Mimecast|SafeLinks|Microsoft Office Existence Discovery|ms-office; MSOffice|TrendMicro|Symantec|FireEye|Cisco-?IronPort|Sophos|urldefense/i;

/** Apple's Mail Privacy Protection loads all images, by a browser that says no more than this. */
const APPLE_MAIL_PRIVACY = /^Mozilla\/5\.0$/;

/**
 * Whether a program made the request, and nobody has seen anything yet. What hides that it is one counts as a person: in an opened mail a
 * pixel cannot tell them apart (docs/guides/engagement.md).
 */
export function isMachine({ method, headers }: TrackedRequest): boolean {
  if (method !== 'GET') return true;
  if (PREFETCH_HEADERS.some((name) => PREFETCH.test(String(headers[name] ?? '')))) return true;
  const userAgent = String(headers['user-agent'] ?? '').trim();
  return (
    userAgent === '' || APPLE_MAIL_PRIVACY.test(userAgent) || PROXIES.test(userAgent) || isbot(userAgent)
  );
}
