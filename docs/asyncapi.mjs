/*
 * The sockets of devices and edge nodes as an AsyncAPI 3 document. What they send is described by the very zod schemas that check it
 * (from `dist/`). What the server sends is not checked; its frames are described here, from the same building blocks.
 */
import { z } from 'zod';
import { receiptPayload } from '../dist/delivery/receipts/receipts.schema.js';
import { deviceUpdate } from '../dist/devices/device.schema.js';
import { edgeAuth, entitlementChanged, streamsPayload, streamStop } from '../dist/streams/streams.schema.js';
import { handshakeAuth, syncPayload, tokenRefreshPayload } from '../dist/live/admission/handshake.schema.js';
import { streamId } from '../dist/mailbox/events/event-data.schema.js';
import { EVENT_TYPES } from '../dist/mailbox/events/event-types.js';
import { envelopeSchema, positionSchema } from '../dist/mailbox/events/publish.schema.js';
import { stateResponse } from '../dist/mailbox/state/state.schema.js';
import { deviceId, instant, userId } from '../dist/platform/auth/ids.schema.js';
import { simplify } from '../dist/platform/http/docs/schema-converter.js';
import { PROBLEMS } from '../dist/platform/http/problem.js';
import { heartbeat } from '../dist/playback/heartbeat.schema.js';
import { EXAMPLES } from './asyncapi-examples.mjs';

const refusal = z.object({
  code: z.enum(Object.keys(PROBLEMS)),
  message: z.string().describe('For people; it may change.'),
  retryable: z.boolean().describe('The same request may succeed later, unchanged.'),
  retryAfterMs: z.int().nonnegative().optional(),
});
const refused = z.object({ ok: z.literal(false), error: refusal });
const done = z.object({ ok: z.literal(true) });

/** What the server sends without being asked. Durable events ask for an acknowledgement: it is the receipt `received`. */
const fromServer = {
  welcome: {
    summary: 'The first frame of a connection, and of the answer to `sync`.',
    payload: z.object({
      userId,
      deviceId,
      epoch: z.string(),
      offset: z.int().nonnegative().describe("The mailbox's newest offset."),
      broadcast: z.int().nonnegative().describe('The newest number of the broadcasts.'),
      resume: z.enum(['replay', 'snapshot']),
      heartbeatSeconds: z.int().positive(),
      tokenExpiresAt: instant,
      serverTime: instant,
    }),
  },
  snapshot: {
    summary:
      'After a `welcome` with `resume: snapshot`: what GET /v1/me/state gives, without `broadcasts`. With `hasMore` it asks for an acknowledgement, and a frame with only the next entries follows.',
    payload: z.union([stateResponse, stateResponse.pick({ position: true, hasMore: true, entries: true })]),
  },
  goaway: {
    summary: 'Come back after so many milliseconds; by itself, unless it was superseded.',
    payload: z.object({
      reason: z.enum(['drain', 'recycle', 'overload', 'slow', 'superseded']),
      retryAfterMs: z.int().nonnegative(),
    }),
  },
  'token.expiring': {
    summary: 'A minute before the token expires: answer with `token.refresh`.',
    payload: z.object({ expiresAt: instant }),
  },
  ...Object.fromEntries(Object.entries(EVENT_TYPES).map(([name, type]) => [name, eventFrame(type)])),
  event: {
    name: '{type}',
    summary: 'Any event that a back office published, under its own type.',
    payload: envelopeSchema,
  },
  broadcast: {
    name: '{type}',
    summary: 'An event for everyone, under its own type: `broadcast` is its number.',
    payload: envelopeSchema
      .omit({ offset: true, profileId: true, target: true })
      .extend({ broadcast: z.int().positive(), epoch: positionSchema.shape.epoch }),
    tier: 'important',
  },
};

/** What devices send; each is acknowledged with `answer`, or with `{ ok: false, error }`. */
const fromDevice = {
  connect: {
    summary: "Socket.IO's CONNECT packet: `auth` of the client's options. Refused with `connect_error`.",
    payload: handshakeAuth,
  },
  'playback.heartbeat': {
    summary: 'Where the device is in what it plays.',
    payload: heartbeat,
    answer: done.extend({ nextSeconds: z.int().positive().describe('When the next beat is due.') }),
  },
  receipt: {
    summary: 'The device applied these events, or a person saw them.',
    payload: receiptPayload,
    answer: done,
  },
  'device.update': {
    summary: 'What changed of the device: push address, time zone, language. What is left out stays.',
    payload: deviceUpdate,
    answer: done,
  },
  sync: {
    summary: 'After a hole in the offsets: answered like a reconnect, without one.',
    payload: syncPayload,
    answer: done,
  },
  'token.refresh': {
    summary: 'A newer token of the same user.',
    payload: tokenRefreshPayload,
    answer: done.extend({ tokenExpiresAt: instant }),
  },
};

/** What edge nodes are told; each is told again until it is acknowledged. */
const toEdges = {
  'stream.stop': {
    summary: 'Not a byte more of this stream.',
    payload: streamStop,
    answer: z.unknown().describe('Anything.'),
  },
  'entitlement.changed': {
    summary:
      'Of a user whose stream it carries, or who may stream now and could not before, or the other way round.',
    payload: entitlementChanged,
    answer: z.unknown().describe('Anything.'),
  },
};

/** What edge nodes send. */
const fromEdges = {
  connect: {
    summary:
      "Socket.IO's CONNECT packet to the namespace: `auth` of the client's options. Refused with `connect_error`.",
    payload: edgeAuth,
  },
  streams: {
    summary: 'On every connect: which of these must not go on?',
    payload: streamsPayload,
    answer: done.extend({ stop: z.array(streamId) }),
  },
};

/** The frame of an event of the registry. */
function eventFrame({ tier, audience, summary, data }) {
  if (tier === 'routine')
    return {
      summary: `${summary} To ${audience}.`,
      payload: envelopeSchema.omit({ offset: true, broadcast: true, epoch: true }).extend({ data }),
      tier,
    };
  const { offset, epoch } = positionSchema.shape;
  return {
    summary: `${summary} To ${audience}.`,
    payload: envelopeSchema.omit({ broadcast: true }).extend({ offset, epoch, data }),
    tier,
  };
}

/** The document, as a plain object. */
export function asyncApi() {
  schemas.clear();
  const sides = [
    socket('device', '/', 'A device on its socket', fromServer, fromDevice),
    socket('edge', '/edge', 'An edge node on its socket', toEdges, fromEdges),
  ];
  const all = (part) => Object.assign({}, ...sides.map((side) => side[part]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Usher: sockets of devices and edge nodes',
      version: '1',
      description:
        'Socket.IO protocol 5, path /socket.io, namespaces / and /edge. Every frame is a Socket.IO event; each frame of a device or an edge node is acknowledged. docs/CONTRACT.md says what the shapes mean.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      gateway: { host: 'usher.example.com', pathname: '/socket.io', protocol: 'wss' },
    },
    channels: all('channels'),
    operations: all('operations'),
    components: { messages: all('messages'), schemas: Object.fromEntries(schemas) },
  };
}

/** One namespace. Devices' names stand as they are; those of other channels begin with the channel. */
function socket(channel, address, title, sent, received) {
  const messages = {};
  const operations = {};
  const listed = {};
  const nameIn = (key) => (channel === 'device' ? key : `${channel}.${key}`);
  const add = (key, { name = key, summary, payload }, io) => {
    messages[nameIn(key)] = {
      name,
      summary,
      payload: { $ref: `#/components/schemas/${nameSchema(nameIn(key), payload, io)}` },
      examples: [{ payload: EXAMPLES[nameIn(key)] }],
    };
    listed[key] = { $ref: `#/components/messages/${nameIn(key)}` };
  };
  const of = (key) => ({ $ref: `#/channels/${channel}/messages/${key}` });
  const reply = (key) => ({ messages: [of(key)], channel: { $ref: `#/channels/${channel}` } });
  const operation = (action, name, { summary, tier }) => ({
    action,
    channel: { $ref: `#/channels/${channel}` },
    summary,
    ...(tier && { tags: [{ name: tier }] }),
    messages: [of(name)],
  });
  for (const [name, frame] of Object.entries(sent)) {
    add(name, frame, 'output');
    operations[`send.${nameIn(name)}`] = operation('send', name, frame);
    if (!frame.answer) continue;
    add(`${name}.answer`, answerOf(name, frame.answer), 'input');
    operations[`send.${nameIn(name)}`].reply = reply(`${name}.answer`);
  }
  for (const [name, frame] of Object.entries(received)) {
    add(name, frame, 'input');
    const payload = frame.answer === undefined ? refusal : z.union([frame.answer, refused]);
    add(`${name}.answer`, answerOf(name, payload), 'output');
    operations[`receive.${nameIn(name)}`] = {
      ...operation('receive', name, frame),
      reply: reply(`${name}.answer`),
    };
  }
  return { channels: { [channel]: { address, title, messages: listed } }, operations, messages };
}

function answerOf(name, payload) {
  const summary = name === 'connect' ? 'The `data` of `connect_error`.' : `The acknowledgement of ${name}.`;
  return { summary, payload };
}

/** The named schemas of the document. */
const schemas = new Map();

/** Adds a schema to the document and returns its name: its own (`.meta({ id })`), or else that of the message, as PlaybackHeartbeat. */
function nameSchema(message, schema, io) {
  const name = message.replaceAll(/(?:^|[._])(\w)/g, (_, letter) => letter.toUpperCase());
  const {
    $schema: _,
    definitions = {},
    ...root
  } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => simplify(jsonSchema, io === 'output'),
  });
  for (const [id, definition] of Object.entries(definitions)) addSchema(id, definition);
  if (root.$ref) return root.$ref.split('/').at(-1);
  addSchema(name, root);
  return name;
}

function addSchema(name, schema) {
  const text = JSON.stringify(schema).replaceAll('#/definitions/', '#/components/schemas/');
  if (schemas.has(name) && JSON.stringify(schemas.get(name)) !== text)
    throw new Error(`two different schemas are named ${name}`);
  schemas.set(name, JSON.parse(text));
}
