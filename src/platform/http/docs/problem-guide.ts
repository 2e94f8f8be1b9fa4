import { PROBLEMS, type ProblemCode } from '../problem.js';

/** What a person who got an error wants to know: when it comes, and what to do about it. */
interface Advice {
  readonly when: string;
  readonly remedy: string;
}

const ADVICE: Record<ProblemCode, Advice> = {
  invalid_request: {
    when: 'A parameter or the body does not have the form that the call describes. `errors` lists up to ten places: `path` and `message`. A field that the call does not know is named too, with the field that was probably meant.',
    remedy: 'Correct the fields that `errors` names. Sending the same again gives the same answer.',
  },
  malformed_json: {
    when: 'The body is not JSON: it was cut off, has a comma too many, or is something else.',
    remedy: 'Send what a JSON library writes, and do not put JSON together by hand.',
  },
  too_deep: {
    when: 'Arrays and objects are nested deeper than 32 levels (webhooks: 64, lines of the nightly file: 16).',
    remedy: 'Send a flatter body. It is refused before it is parsed.',
  },
  payload_too_large: {
    when: "The body has more than 1 MiB (webhooks: 256 KiB) as sent or after decompression, or an event's `data` more than 16 KiB.",
    remedy: 'Send several smaller calls. In an event, send a reference to what is large.',
  },
  unsupported_media_type: {
    when: 'The `Content-Type` is not JSON where JSON is needed, the charset is not UTF-8, or the `Content-Encoding` is unknown. `detail` says what was received and what is understood.',
    remedy: 'Set `Content-Type: application/json`. Tools like curl send another one unless they are told.',
  },
  unauthorized: {
    when: 'The call needs a service key, and there is none in `Authorization: Bearer …`, or it is unknown or revoked.',
    remedy: 'Send a valid service key. An administrator creates one with `POST /v1/keys`.',
  },
  token_missing: {
    when: 'The call is made for a user, and there is no token in `Authorization: Bearer …`.',
    remedy: "Send the user's JWT, which your sign-in issues.",
  },
  token_invalid: {
    when: 'The token has a wrong signature, audience, issuer or form, lives for too long, or is of another user than the connection.',
    remedy:
      'Have your sign-in issue a token with what `AUTH_JWT_…` asks for. `detail` names the claim at fault.',
  },
  token_expired: {
    when: "The token's `exp` has passed.",
    remedy: 'Get a new token from your sign-in, then repeat the call.',
  },
  token_revoked: {
    when: 'The token was revoked: by an operator, for the user, the device or the token alone.',
    remedy: 'Have the user sign in again. A token with a later `iat` is valid.',
  },
  forbidden: {
    when: 'The service key is valid and lacks the scope that the call needs. `detail` names the scope.',
    remedy: 'Use a key that has the scope, or have an administrator create one.',
  },
  origin_forbidden: {
    when: "A page of this origin may not open a socket: it is neither the gateway's own nor in `CORS_ORIGINS`. The log names the origin, once.",
    remedy: 'Add the origin to `CORS_ORIGINS`, exactly as browsers send it.',
  },
  not_entitled: {
    when: 'The membership does not allow the stream: there is none, it has ended, or its plan does not stream.',
    remedy: 'Offer the user a plan. `GET /v1/users/{userId}/entitlement` says what is allowed now.',
  },
  not_found: {
    when: 'There is no such path (letters and a slash at its end matter), or no such device, key, stream, processor or front page. `detail` says which.',
    remedy: 'Check the path and the id.',
  },
  method_not_allowed: {
    when: 'The path exists, and not with this method.',
    remedy: 'Use one of the methods that the header `Allow` lists.',
  },
  request_timeout: {
    when: 'The headers did not arrive within some ten seconds, or the request not within an hour. It comes on connections that were opened and not used, too.',
    remedy: 'Repeat the call on a new connection.',
  },
  conflict: {
    when: 'The call contradicts what is stored.',
    remedy: 'Read what is there, then decide anew.',
  },
  too_many_streams: {
    when: 'As many streams run as the plan allows. `streams` lists them, the oldest first.',
    remedy:
      'Let the user end one of them, or offer a larger plan. A stream that vanished frees its slot when its lease ends.',
  },
  price_taken: {
    when: "One of the plan's prices belongs to another plan. `prices` lists them.",
    remedy: 'Take the price out of the other plan first.',
  },
  illegal_change: {
    when: 'The membership is in a state in which this change makes no sense: what has ended cannot be canceled.',
    remedy: 'Read the membership, and offer only what is legal in its status.',
  },
  change_pending: {
    when: 'An earlier change of this user is not confirmed by the payment processor yet.',
    remedy: 'Wait for `Retry-After`, or for `membership.changed`, then try again.',
  },
  change_refused: {
    when: 'The payment processor refused the change, as for a declined card. `detail` repeats its reason. The membership is as it was.',
    remedy: 'Have the user correct what the processor objects to.',
  },
  illegal_move: {
    when: 'A campaign is to be approved, scheduled, paused, resumed, aborted or rewritten, and is in a state that does not allow it. `state` says in which.',
    remedy: 'Read the campaign. What may be done in which state is in the guide to campaigns.',
  },
  same_person: {
    when: 'Who wrote the campaign last tries to approve it, and `CAMPAIGN_APPROVAL` is `another`.',
    remedy: 'Have somebody else approve it: another person, or another service key.',
  },
  idempotency_in_progress: {
    when: 'A call with this `Idempotency-Key` is still being carried out, or its node died less than a minute ago.',
    remedy: 'Repeat the call a little later: it returns the response of the first one.',
  },
  position_lost: {
    when: 'The position is of another epoch or from the future, or what followed it is gone.',
    remedy: 'Read the state anew (`GET /v1/me/state`), and continue from its position.',
  },
  expectation_failed: {
    when: 'The header `Expect` asks for something else than `100-continue`.',
    remedy: 'Repeat the call without this header.',
  },
  misdirected: {
    when: 'The node that was reached does not have the role that serves this path.',
    remedy: 'Route the path to a node with the right role in `ROLES`, as docs/operate/deploy.md shows.',
  },
  idempotency_mismatch: {
    when: 'The `Idempotency-Key` was used for this call before, with another body.',
    remedy: 'Use a new key for each new call, and the same key only to repeat one unchanged.',
  },
  unknown_plan: {
    when: 'The plan is not in the catalogue.',
    remedy: 'Create it with `PUT /v1/plans/{planId}`, or name another one.',
  },
  unknown_device: {
    when: 'The user has no device with this id. `index` says which event names it.',
    remedy: 'Register the device first: it connects, or `PUT /v1/me/devices/{deviceId}`.',
  },
  unknown_event: {
    when: 'A receipt names an event that this device cannot have had, or that left the mailbox so long ago that nothing is known of it any more.',
    remedy: 'Send receipts only for events of this user that came to this device.',
  },
  reserved_type: {
    when: 'The type of an event is one that Usher itself sends, as `membership.changed`. `index` says which event.',
    remedy: 'Choose another type.',
  },
  reserved_key: {
    when: 'The key of an event or a broadcast is one by which it would take the place of what Usher itself sends: `membership`, or one that begins with `campaign:`, `digest:` or `stream:`. `index` says which event.',
    remedy:
      'Choose another key. What a campaign says ends with the campaign: `POST /v1/campaigns/{name}/abort`.',
  },
  unknown_template: {
    when: 'A message names a template that was not published, or that has no words for one of its channels.',
    remedy: 'Publish it with `PUT /v1/templates/{name}`, or name another channel.',
  },
  template_invalid: {
    when: 'A template uses a value that may be missing, cannot be parsed, takes too long or prints too much. `faults` lists all places: `at` (with the line) and `message`.',
    remedy:
      'Correct what `faults` names. `POST /v1/templates/{name}/preview` with `template` checks one without publishing it.',
  },
  template_data_invalid: {
    when: 'The data of an event, a message, a preview or a campaign does not fit the schema of the template. `faults` says which values, and of several events `index` which one; of a campaign `detail` does. Or a campaign to everyone has more than 16 KiB to say.',
    remedy: 'Give the values that `faults` names, or give them a `default` in the schema of the template.',
  },
  too_many_buckets: {
    when: 'Engagement is asked for in more than 1,500 buckets (`maxBuckets`), or by groups of which there are far too many in so many buckets.',
    remedy: 'Ask for a shorter time, a wider `interval`, or filter by team, campaign or kind.',
  },
  not_kept: {
    when: 'Engagement is asked for in minutes of more than 14 days ago, or in hours of more than 400 days ago; by the hour in groups other than kinds of more than 62 days ago (`keptDays`). Minutes are counted by kind alone. Days of a time zone are made of hours, and of minutes where they do not begin at a full hour.',
    remedy: 'Take a wider `interval`, or days of UTC.',
  },
  rate_limited: {
    when: 'The user, the service key or the address called too often, see the headers `RateLimit` and `RateLimit-Policy`.',
    remedy:
      'Wait for `Retry-After`, then repeat the call. Spread calls out instead of sending them in bursts.',
  },
  headers_too_large: {
    when: 'The headers have more than 16 KiB together.',
    remedy: 'Look for what makes them that large: mostly cookies, or a long token.',
  },
  signature_invalid: {
    when: 'The signature of a webhook was not made over this body with a secret that is set here.',
    remedy: "Compare the webhook secret with the processor's. A proxy must not change the body.",
  },
  signature_stale: {
    when: 'The signature of a webhook is older than 300 s, or from the future.',
    remedy: "Check both clocks. The processor's next attempt is signed anew.",
  },
  not_configured: {
    when: 'The payment processor lacks its settings on this node, or cannot be asked from here.',
    remedy: 'Set what `detail` names, see docs/reference/configuration.md.',
  },
  draining: {
    when: 'The node is being stopped.',
    remedy: 'Connect again: the load balancer leads to another node.',
  },
  overload: {
    when: 'More devices connect at once than the node lets in (`CONNECTS_PER_SECOND`).',
    remedy: 'Connect again after `retryAfterMs`.',
  },
  unavailable: {
    when: 'PostgreSQL, a payment processor or another thing that the call needs does not respond, or a queue is full.',
    remedy: 'Repeat the call after `Retry-After`, with the same `Idempotency-Key` if it had one.',
  },
  internal: {
    when: 'Usher has an error of its own. The log has it, with the `requestId`.',
    remedy: 'Repeat the call once. Tell an operator the `requestId` if it goes on.',
  },
};

/** One error, explained. */
export interface ExplainedProblem extends Advice {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
}

/** Returns every error, explained, in the order of PROBLEMS: for /docs/errors and docs/reference/errors.md. */
export const explainProblems = (): ExplainedProblem[] =>
  (Object.keys(PROBLEMS) as ProblemCode[]).map(explain);

function explain(code: ProblemCode): ExplainedProblem {
  const { status, title, retryable } = PROBLEMS[code];
  const { when, remedy } = ADVICE[code];
  return { code, status, title, retryable, when, remedy };
}
