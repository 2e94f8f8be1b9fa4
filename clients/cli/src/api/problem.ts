import { EXIT, Failure } from '../failures.js';

/** An error of the API (docs/CONTRACT.md, "Errors"), or as much of one as the response had. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  /** What is wrong, field by field. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** The whole body: some codes bring more. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a person does about a refusal, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  unauthorized: 'Check the service key: `usher profile list` says which one is used.',
  forbidden: 'Use a key with this scope: `usher keys create <name> --scope <scope>` makes one.',
  token_invalid: 'Check that the token is signed with the secret of this Usher, and for its audience.',
  token_expired: 'Sign a new one: `usher token <user>`.',
  token_revoked: 'Tokens of this user were revoked: sign a new one with `usher token <user>`.',
  unknown_device: '`usher user <user>` lists the devices.',
  unknown_plan: '`usher plans apply` creates plans.',
  price_taken: 'Remove the price from the other plan first.',
  rate_limited: 'Wait a moment, then try again.',
  misdirected: 'Send this to a node with the role `api`.',
  signature_invalid: 'The secret is not the one of this Usher.',
  signature_stale: 'Compare the clocks: `usher doctor`.',
  not_configured: 'Set the secret of this processor at the server: docs/reference/configuration.md.',
};

/** The API refused a call. */
export class Refusal extends Failure {
  constructor(readonly problem: Problem) {
    super(toText(problem), EXIT.refused);
  }
}

/** Nobody answered. */
export class Unreachable extends Failure {
  constructor(url: string, reason: string) {
    super(
      `${url} is not reachable: ${reason}\nStart it with \`npm start\`, or name another: --url, USHER_URL.`,
      EXIT.unreachable,
    );
  }
}

/** Reads the body of a refused call. One that is no problem (a proxy's page) is described by its status. */
export function toProblem(status: number, headers: Headers, text: string): Problem {
  const body = parseObject(text);
  const requestId = asText(body['requestId']) ?? headers.get('x-request-id') ?? undefined;
  const errors = Array.isArray(body['errors']) ? (body['errors'] as Problem['errors']) : [];
  return {
    status,
    code: asText(body['code']) ?? `http_${status}`,
    detail:
      asText(body['detail']) ?? asText(body['title']) ?? 'The response is not one of Usher: check the URL.',
    retryable: body['retryable'] === true,
    ...(requestId !== undefined && { requestId }),
    errors,
    body,
  };
}

function toText({ status, code, detail, retryable, requestId, errors }: Problem): string {
  const advice = ADVICE[code] ?? (retryable ? 'Try again in a moment.' : undefined);
  const lines = [
    `${code} (${status}): ${detail}`,
    ...(errors.length > 1 ? errors.map(({ path, message }) => `  ${path}: ${message}`) : []),
    ...(advice === undefined ? [] : [advice]),
    ...(requestId === undefined ? [] : [`Request ${requestId}`]),
  ];
  return lines.join('\n');
}

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
