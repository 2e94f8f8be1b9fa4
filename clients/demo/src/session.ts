/** The server refused a request. The message is the problem's `detail`. */
export class RequestError extends Error {}

interface SessionResponse {
  readonly token: string;
  readonly expiresAt: string;
  readonly plans: readonly { readonly planId: string; readonly name: string }[];
}

/** A token is replaced this long before it expires. */
const MIN_REMAINING_MS = 60_000;

/** The sign-in of one user, for all three devices. The token is kept in memory only, and never part of a URL. */
export class Session {
  private constructor(
    readonly userId: string,
    private current: SessionResponse,
  ) {}

  /** Signs in. Throws RequestError. */
  static async open(userId: string): Promise<Session> {
    return new Session(userId, await post<SessionResponse>('/dev/session', { userId }));
  }

  /** Returns the name of a plan, or its id if it is not one of the page's plans. */
  getPlanName(planId: string | null | undefined): string | undefined {
    if (!planId) return undefined;
    return this.current.plans.find((plan) => plan.planId === planId)?.name ?? planId;
  }

  /** Returns a token that is valid for a minute at least. Throws RequestError. */
  async getToken(): Promise<string> {
    if (Date.parse(this.current.expiresAt) - Date.now() < MIN_REMAINING_MS) {
      this.current = await post<SessionResponse>('/dev/session', { userId: this.userId });
    }
    return this.current.token;
  }

  /** Calls the app's API as this user, and returns the response body. Throws RequestError. */
  async callApi(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const authorization = `Bearer ${await this.getToken()}`;
    const contentType = body === undefined ? {} : { 'content-type': 'application/json' };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    return readBody(await fetch(path, { method, headers: { authorization, ...contentType }, ...content }));
  }

  /** Calls the page's own back end for this user, and returns the response body. Throws RequestError. */
  callBackEnd<Body>(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Body> {
    return post<Body>(path, { userId: this.userId, ...fields });
  }
}

async function post<Body>(path: string, body: unknown): Promise<Body> {
  const headers = { 'content-type': 'application/json' };
  return (await readBody(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))) as Body;
}

async function readBody(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  throw new RequestError(typeof detail === 'string' ? detail : `The server returned ${response.status}.`);
}
