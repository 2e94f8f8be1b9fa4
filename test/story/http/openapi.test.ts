import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../../../src/platform/http/problem.js';
import { call, type HttpReply } from '../../support/drivers/back-office.js';
import { signedHeaders, STANDARD_SECRET } from '../../support/drivers/standard-webhooks.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';

type Schema = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema: { readonly example?: unknown };
}
interface Content {
  readonly schema: Schema & { readonly $ref?: string; readonly example?: unknown };
}
interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly security?: Record<string, unknown>[];
  readonly parameters: Parameter[];
  readonly requestBody?: { readonly content: Record<string, Content> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, Content> }
  >;
}

let usher: TestUsher;
let components: Record<string, Schema>;
/** The components as `readable` makes them, once. */
let definitions: Record<string, Schema>;
let operations: Operation[];
beforeAll(async () => {
  usher = await startUsher({ STANDARD_WEBHOOK_SECRET: STANDARD_SECRET });
  const { body } = await call(usher.url, undefined, 'GET', '/docs-json');
  components = (body.components as { schemas: Record<string, Schema> }).schemas;
  definitions = readable(components);
  operations = Object.entries(body.paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) =>
        Object.assign(operation, { path, method: method.toUpperCase() }),
      ),
  );
});
afterAll(() => usher.stop());

const schemes = ({ security = [] }: Operation) => security.flatMap((one) => Object.keys(one));
const takesServiceKey = (operation: Operation) => schemes(operation).includes('service key');
const successes = ({ responses }: Operation) =>
  Object.entries(responses).filter(([status]) => status < '400');
const resolve = (schema: Schema): Schema =>
  typeof schema.$ref === 'string' ? (components[schema.$ref.split('/').at(-1) ?? ''] ?? {}) : schema;

/** Returns the operations that break a rule, so that a failure names them all. */
const breaking = (isBroken: (operation: Operation) => boolean) =>
  operations.filter(isBroken).map(({ method, path }) => `${method} ${path}`);

/** Returns whether the schema, or one within it, accepts fields that it does not name. */
function isLoose(schema: Schema, around: readonly Schema[] = []): boolean {
  // A schema within itself says nothing new.
  if (around.includes(resolve(schema))) return false;
  const inner = [...around, resolve(schema)];
  const {
    type,
    properties = {},
    additionalProperties,
    items,
    anyOf = [],
    allOf = [],
  } = resolve(schema) as {
    type?: string;
    properties?: Record<string, Schema>;
    additionalProperties?: unknown;
    items?: Schema;
    anyOf?: Schema[];
    allOf?: Schema[];
  };
  if (type === 'object' && additionalProperties === undefined) return true;
  return [...Object.values(properties), ...(items ? [items] : []), ...anyOf, ...allOf].some((one) =>
    isLoose(one, inner),
  );
}

describe('every operation', () => {
  test('has an id of its own, which is a verb and what it acts on, a summary and one known tag', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.filter((id, n) => ids.indexOf(id) !== n)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([]);
    expect(breaking(({ summary = '' }) => !/^[A-Z].{5,80}[^.]$/.test(summary))).toEqual([]);
    const known = new Set(['apps', 'back offices', 'edge nodes', 'processors', 'operations']);
    expect(breaking(({ tags = [] }) => tags.length !== 1 || !known.has(tags[0] ?? ''))).toEqual([]);
  });

  test('says what its parameters mean', () => {
    const undescribed = operations.flatMap(({ parameters, operationId }) =>
      parameters.filter(({ description }) => !description).map(({ name }) => `${operationId}: ${name}`),
    );
    expect(undescribed).toEqual([]);
  });

  test('returns what a named schema describes, or nothing', () => {
    const isDescribed = ([status, { content = {} }]: [string, { content?: Record<string, Content> }]) => {
      const json = content['application/json'];
      if (json) return json.schema.$ref !== undefined;
      return status === '204' || status === '304' || Object.keys(content).length > 0;
    };
    expect(breaking((operation) => successes(operation).length === 0)).toEqual([]);
    expect(breaking((operation) => !successes(operation).every(isDescribed))).toEqual([]);
  });

  test('lists its errors with their codes: at least those of the machinery that all calls pass', () => {
    const codesOf = ({ responses }: Operation): string[] =>
      Object.values(responses).flatMap(({ content }) => {
        const parts = (content?.['application/problem+json']?.schema.allOf ?? []) as {
          properties?: { code: { enum: string[] } };
        }[];
        return parts.flatMap(({ properties }) => properties?.code.enum ?? []);
      });
    const needed = (operation: Operation): ProblemCode[] => [
      ...(operation.path.startsWith('/health') ? [] : (['internal', 'unavailable'] as const)),
      ...(operation.path.startsWith('/v1/') ? (['rate_limited'] as const) : []),
      ...(takesServiceKey(operation) ? (['unauthorized', 'forbidden', 'invalid_request'] as const) : []),
      ...(schemes(operation).includes('user token') ? (['token_expired'] as const) : []),
      ...(operation.requestBody ? (['invalid_request'] as const) : []),
    ];
    expect(
      breaking((operation) => needed(operation).some((code) => !codesOf(operation).includes(code))),
    ).toEqual([]);
    expect(operations.flatMap(codesOf).filter((code) => !(code in PROBLEMS))).toEqual([]);
  });

  test('with a service key refuses unknown fields in its body, whatever is nested in it', () => {
    const isTolerant = (operation: Operation) =>
      takesServiceKey(operation) &&
      Object.entries(operation.requestBody?.content ?? {}).some(
        ([type, { schema }]) => type === 'application/json' && isLoose(schema),
      );
    expect(breaking(isTolerant)).toEqual([]);
  });

  test('with a body shows an example of it', () => {
    const hasNone = ({ requestBody }: Operation) =>
      Object.values(requestBody?.content ?? {}).some(({ schema }) => resolve(schema).example === undefined);
    expect(breaking(hasNone)).toEqual([]);
  });
});

test('the calls that come thousands of times a second are among the first that the router tries', () => {
  const busiest = ['publishEvents', 'reportReceipt', 'renewStream', 'getEntitlement', 'getFrontPage'];
  const first = operations.slice(0, 25).map(({ operationId }) => operationId);
  expect(first).toEqual(expect.arrayContaining(busiest));
});

const WEBHOOK_ID = 'msg_example';

/** Sends the example of the operation, as the document shows it, with these parameters in place of its own. */
async function send(
  operation: Operation,
  given: Record<string, string>,
  more: { readonly query?: string; readonly body?: string } = {},
): Promise<HttpReply> {
  const exampleOf = ({ name, example, schema }: Parameter) =>
    encodeURIComponent(
      given[`${operation.operationId}.${name}`] ?? given[name] ?? String(example ?? schema.example),
    );
  const needed = (place: string) =>
    operation.parameters.filter((one) => one.in === place && (place === 'path' || one.required === true));
  const resource = needed('path').reduce(
    (text, parameter) => text.replace(`{${parameter.name}}`, exampleOf(parameter)),
    operation.path,
  );
  const query = [
    ...needed('query').map((parameter) => `${parameter.name}=${exampleOf(parameter)}`),
    ...(more.query === undefined ? [] : [more.query]),
  ];
  const path = query.length === 0 ? resource : `${resource}?${query.join('&')}`;
  const headers = needed('header').map((parameter) => [parameter.name, exampleOf(parameter)]);
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const example = content && resolve(content.schema).example;
  const own = typeof example === 'string' || example === undefined ? example : JSON.stringify(example);
  const body = more.body ?? own;
  const bearer = takesServiceKey(operation) ? ADMIN_KEY : await usher.token('ada');
  return call(usher.url, bearer, operation.method, path, body, {
    ...Object.fromEntries(headers),
    ...(type !== undefined && { 'content-type': type }),
    ...(operation.operationId === 'receiveWebhook' && signedHeaders(body ?? '', { id: WEBHOOK_ID })),
  });
}

/** Returns the part of the document as zod reads it: zod reads patterns without the flag u, which classes of characters need. */
const readable = <Part>(part: Part): Part =>
  JSON.parse(
    JSON.stringify(part).replaceAll('#/components/schemas/', '#/definitions/'),
    (key, value: unknown) => (key === 'pattern' && String(value).includes('\\p{') ? undefined : value),
  ) as Part;

/** Throws unless the body has the shape that the document gives for its status. */
function expectDocumented({ responses, operationId }: Operation, { status, body, headers }: HttpReply): void {
  const response = responses[status];
  if (!response)
    throw new Error(`${operationId} returned ${status}, which is not documented: ${JSON.stringify(body)}`);
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
  const content = response.content?.[type];
  if (response.content && !content)
    throw new Error(`${operationId} returned ${type}, which is not documented`);
  if (!content || !type.endsWith('json') || type.endsWith('ndjson')) return;
  const schema = { ...readable(content.schema), definitions };
  z.fromJSONSchema(schema, { defaultTarget: 'openapi-3.0' }).parse(body);
}

describe('every call with a service key names what it does not know, and does nothing', () => {
  /** Returns the calls that did not refuse what was sent in addition, so that a failure names them all. */
  async function tolerant(
    called: readonly Operation[],
    more: { readonly query?: string; readonly body?: string },
  ): Promise<unknown[]> {
    const found: unknown[] = [];
    for (const operation of called) {
      const { status, body } = await send(operation, {}, more);
      const paths = (body.errors as { path: string }[] | undefined)?.map(({ path }) => path) ?? [];
      if (status !== 400 || body.code !== 'invalid_request' || !paths.includes('unheardOf'))
        found.push([operation.operationId, status, body.code, paths]);
    }
    return found;
  }

  test('in a query', async () => {
    expect(await tolerant(operations.filter(takesServiceKey), { query: 'unheardOf=1' })).toEqual([]);
  });

  test('in a body, where it needs none', async () => {
    const isBodiless = (operation: Operation) => takesServiceKey(operation) && !operation.requestBody;
    expect(await tolerant(operations.filter(isBodiless), { body: '{"unheardOf":1}' })).toEqual([]);
  });
});

/** What must come before something else, in this order; all other operations are called between the two. */
const FIRST = [
  'putPlan',
  'putDigest',
  'putTemplate',
  'putFallback',
  'putAudience',
  'putCampaign',
  'putDevice',
  'putContact',
  'putOwnContact',
  'sendTestEvent',
  'linkCustomer',
  'receiveWebhook',
  'ingestRecommendations',
  'createServiceKey',
  'startStream',
  'renewStream',
];
const LAST = [
  'endStream',
  'removeLink',
  'deleteDigest',
  'deleteTemplate',
  'deleteFallback',
  'deleteAudience',
  'revokeServiceKey',
  'removeDevice',
  'removeContact',
  'removeOwnContact',
  'eraseUser',
];
/**
 * In-house billing cannot be asked to change a membership, and the webhook was applied at once: the examples are right, and the answers
 * documented. The contact was removed by the call before, no channel is
 * configured, and only mails have links to unsubscribe and links that are counted. The audience has a rule, and takes no list; the campaign does not run,
 * since its time has not come, and has no members yet.
 */
const REFUSED: Record<string, string> = {
  changeMembership: 'not_configured',
  uploadAudienceMembers: 'conflict',
  pauseCampaign: 'illegal_move',
  resumeCampaign: 'illegal_move',
  getCampaignMember: 'not_found',
  retryWebhook: 'conflict',
  removeOwnContact: 'not_found',
  sendMessage: 'not_configured',
  receiveTwilioText: 'not_configured',
  receiveTwilioStatus: 'not_configured',
  receiveMessageReport: 'not_configured',
  showUnsubscribe: 'signature_invalid',
  unsubscribeMail: 'signature_invalid',
  followTrackedLink: 'not_found',
};

test('every example works: the node does what it shows, and answers as documented', async () => {
  const named = (id: string) => operations.filter(({ operationId }) => operationId === id);
  const others = operations.filter(
    ({ operationId }) => ![...FIRST, ...LAST, 'openEventStream', 'watchEngagement'].includes(operationId),
  );
  /** By the name of a parameter, or by operation and name: what an earlier call made. */
  const given: Record<string, string> = {
    'getWebhook.eventId': WEBHOOK_ID,
    'retryWebhook.eventId': WEBHOOK_ID,
  };
  for (const operation of [...FIRST.flatMap(named), ...others, ...LAST.flatMap(named)]) {
    const reply = await send(operation, given);
    expectDocumented(operation, reply);
    const { operationId } = operation;
    // The detail says in a failure what is wrong with the example.
    const { code, detail } = reply.status >= 400 ? reply.body : {};
    expect([operationId, code, code === REFUSED[operationId] ? '' : detail]).toEqual([
      operationId,
      REFUSED[operationId],
      '',
    ]);
    if (operationId === 'publishBroadcast')
      given['getBroadcast.id'] = given['withdrawBroadcast.id'] = String(reply.body.id);
    if (operationId === 'startStream') given.streamId = String(reply.body.streamId);
    if (operationId === 'sendTestEvent')
      given['getEvent.eventId'] = given['resendEvent.eventId'] = String(reply.body.id);
    if (operationId === 'ingestRecommendations') given['getRun.id'] = reply.headers.get('usher-run-id') ?? '';
    if (operationId === 'createServiceKey') given.id = String(reply.body.id);
  }
});
