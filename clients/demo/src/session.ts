/** A refusal of the server, in its own words. */
export class Refusal extends Error {}

interface Opened {
  readonly token: string;
  readonly expiresAt: string;
  readonly plans: readonly { readonly planId: string; readonly name: string }[];
}

/** So long before its end a token is not handed out any more. */
const SPARE_MS = 60_000;

/** The sign-in of one user, for all three devices. The token is kept in memory alone, and travels in no URL. */
export class Session {
  private constructor(
    readonly userId: string,
    private opened: Opened,
  ) {}

  /** Throws Refusal. */
  static async open(userId: string): Promise<Session> {
    return new Session(userId, await ask<Opened>('/dev/session', { userId }));
  }

  /** What a plan is called. */
  planName(planId: string | null | undefined): string | undefined {
    if (!planId) return undefined;
    return this.opened.plans.find((plan) => plan.planId === planId)?.name ?? planId;
  }

  /** Fresh enough for a connection. */
  async token(): Promise<string> {
    if (Date.parse(this.opened.expiresAt) - Date.now() < SPARE_MS) {
      this.opened = await ask<Opened>('/dev/session', { userId: this.userId });
    }
    return this.opened.token;
  }

  /** A call of the app's own API, as this user. */
  async call(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const authorization = `Bearer ${await this.token()}`;
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return read(await fetch(path, { method, headers: { authorization, ...content }, ...sent }));
  }

  /** Has the page's back end act for this user. Throws Refusal. */
  act<Answer>(path: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask<Answer>(path, { userId: this.userId, ...more });
  }
}

async function ask<Answer>(path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return (await read(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))) as Answer;
}

async function read(response: Response): Promise<unknown> {
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : undefined;
  throw new Refusal(typeof detail === 'string' ? detail : `The server answered ${response.status}.`);
}
