/** The server refused a request. The message is the problem's `detail`, or its `title`. */
export class RequestError extends Error {}

interface SessionResponse {
  readonly token: string;
  readonly expiresAt: string;
  readonly plans: readonly { readonly planId: string; readonly name: string }[];
  /** Whether this server has a console. */
  readonly console: boolean;
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
    return new Session(userId, await signIn(userId));
  }

  /** Returns the name of a plan, or its id if it is not one of the page's plans. */
  getPlanName(planId: string | null | undefined): string | undefined {
    if (!planId) return undefined;
    return this.current.plans.find((plan) => plan.planId === planId)?.name ?? planId;
  }

  /** Whether this server has a console. */
  get hasConsole(): boolean {
    return this.current.console;
  }

  /** Returns a token that is valid for a minute at least. Throws RequestError. */
  async getToken(): Promise<string> {
    if (Date.parse(this.current.expiresAt) - Date.now() < MIN_REMAINING_MS) {
      this.current = await signIn(this.userId);
    }
    return this.current.token;
  }

  /** Calls the app's API as this user, and returns the response body. Throws RequestError. */
  async callApi(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const authorization = `Bearer ${await this.getToken()}`;
    const contentType = body === undefined ? {} : { 'content-type': 'application/json' };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const headers = { authorization, ...contentType };
    return readBody(await fetch(path, { method, headers, signal, ...content }));
  }

  /** Calls the page's own back end for this user, and returns the response body. Throws RequestError. */
  callBackEnd<Body>(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Body> {
    return post<Body>(path, { userId: this.userId, ...fields });
  }

  /** The same for a response without an end, which `signal` ends. Returns it before its body. Throws RequestError. */
  async openBackEnd(
    path: string,
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const body = JSON.stringify({ userId: this.userId, ...fields });
    const response = await fetch(path, { method: 'POST', headers: JSON_BODY, body, signal });
    if (!response.ok) await readBody(response);
    return response;
  }
}

const JSON_BODY = { 'content-type': 'application/json' };
/** Of every call that ends by itself. */
const TIMEOUT_MS = 20_000;

/** The time zone is where it is five o'clock for the user. */
const signIn = (userId: string): Promise<SessionResponse> =>
  post('/dev/session', { userId, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone });

async function post<Body>(path: string, body: unknown): Promise<Body> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body), signal };
  return (await readBody(await fetch(path, request))) as Body;
}

async function readBody(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const { detail, title } = (body ?? {}) as { readonly detail?: unknown; readonly title?: unknown };
  const text = [detail, title].find((one) => typeof one === 'string');
  throw new RequestError(text ?? `The server returned ${response.status}.`);
}
