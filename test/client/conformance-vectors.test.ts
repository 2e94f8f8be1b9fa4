import { describe, expect, test } from '@jest/globals';
import { decodePacket } from 'engine.io-parser';
import { Decoder, Encoder, PacketType, type Packet } from 'socket.io-parser';
import { failuresAfterConnection, retryDelayMs } from '../../clients/web/src/backoff.js';
import { beginReplay, checkOffset, type Cursor, type Position } from '../../clients/web/src/cursor.js';
import { isRelevant, parseEnvelope, type Envelope } from '../../clients/web/src/envelope.js';
import { parseError, UsherError } from '../../clients/web/src/errors.js';
import { parseRetryAfterMs, parseSnapshot, parseWelcome } from '../../clients/web/src/frames.js';
import { resolveOptions } from '../../clients/web/src/options.js';
import { PositionStore } from '../../clients/web/src/position-store.js';
import { applyEvent, applySnapshot } from '../../clients/web/src/reducer.js';
import { EMPTY_STATE } from '../../clients/web/src/state.js';
import { isTokenError } from '../../clients/web/src/token.js';
import { expectKnown, readVectors, type Fields } from './conformance/scenario.js';

type Table<Row> = readonly Row[];

/** Runs a table: one test a table, one expectation a row, with the row in the message. */
function eachRow<Row>(
  title: string,
  rows: Table<Row>,
  check: (row: Row) => [actual: unknown, expected: unknown],
) {
  test(`${title} (${rows.length})`, () => {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const [actual, expected] = check(row);
      expect({ row, result: actual }).toEqual({ row, result: expected });
    }
  });
}

/** Returns the fields of `actual` that `expected` lists; null for an absent one. */
function pick(actual: object | undefined, expected: object | null): unknown {
  if (!actual || !expected) return actual ?? null;
  return Object.fromEntries(Object.keys(expected).map((name) => [name, Reflect.get(actual, name) ?? null]));
}

describe('vectors/backoff.json', () => {
  const { delays, failures } = readVectors('backoff') as {
    delays: Table<{ attempt: number; random: number; retryAfterMs?: number; delayMs: number }>;
    failures: Table<{ connectedMs: number; failures: number; then: number }>;
  };
  eachRow('the delay before an attempt', delays, ({ attempt, random, retryAfterMs, delayMs }) => [
    retryDelayMs(attempt, () => random, retryAfterMs),
    delayMs,
  ]);
  eachRow('failures after a connection', failures, ({ connectedMs, failures, then }) => [
    failuresAfterConnection(connectedMs, failures),
    then,
  ]);
});

describe('vectors/offsets.json', () => {
  const { news, replay } = readVectors('offsets') as {
    news: Table<{ cursor: Cursor | null; event: Position; is: string }>;
    replay: Table<{ cursor: Cursor | null; welcome: Position; then: Cursor | null }>;
  };
  eachRow('which offset is news', news, ({ cursor, event, is }) => [
    checkOffset(cursor ?? undefined, event),
    is,
  ]);
  eachRow('which replay continues a position', replay, ({ cursor, welcome, then }) => [
    beginReplay(cursor ?? undefined, welcome) ?? null,
    then,
  ]);
});

describe('vectors/storage-names.json', () => {
  const { names, urls, values } = readVectors('storage-names') as {
    names: Table<{ url: string; userId: string; deviceId: string; name: string }>;
    urls: Table<{ url: string; is: string }>;
    values: Table<{ text: string | null; position: Position | null }>;
  };
  const createStore = (
    getItem: (name: string) => string | null,
    url = 'https://usher.test',
    deviceId = 'tv',
  ) => new PositionStore({ getItem, setItem: () => undefined, removeItem: () => undefined }, url, deviceId);
  eachRow('the name of a position', names, ({ url, userId, deviceId, name }) => {
    const asked: string[] = [];
    createStore((name) => (asked.push(name), null), url, deviceId).load(userId);
    return [asked, [name]];
  });
  eachRow('the spelling of an address', urls, ({ url, is }) => [
    resolveOptions({ url, token: 't', deviceId: 'tv', platform: 'tv' }).url,
    is,
  ]);
  eachRow('the position in a text', values, ({ text, position }) => [
    createStore(() => text).load('ann') ?? null,
    position,
  ]);
});

describe('vectors/errors.json', () => {
  const { errors, token } = readVectors('errors') as {
    errors: Table<{ value: unknown; error: Fields | null }>;
    token: Table<{ code: string; is: boolean }>;
  };
  eachRow('what is read from a refusal', errors, ({ value, error }) => {
    const read = parseError(value);
    const fields = { code: read?.code, message: read?.message, retryable: read?.retryable };
    const withTime =
      read?.retryAfterMs === undefined ? fields : { ...fields, retryAfterMs: read.retryAfterMs };
    return [read ? withTime : null, error];
  });
  eachRow('whether a new token may help', token, ({ code, is }) => [
    isTokenError(new UsherError(code, '', false)),
    is,
  ]);
});

describe('vectors/frames.json', () => {
  const { decode, encode, welcome, envelope, relevant, retryAfterMs } = readVectors('frames') as {
    decode: Table<{ text: string; is: Fields | null }>;
    encode: Table<{ packet: Fields; text: string }>;
    welcome: Table<{ payload: unknown; is: Fields | null }>;
    envelope: Table<{ payload: unknown; is: Fields | null }>;
    relevant: Table<{ event: Envelope; is: boolean }>;
    retryAfterMs: Table<{ payload: unknown; is: number }>;
  };
  // The web client leaves the encoding to socket.io-client: this holds the tables against its parsers.
  eachRow('what a text message says', decode, ({ text, is }) => [decodeText(text), is]);
  eachRow('how a packet is spelled', encode, ({ packet, text }) => [encodePacket(packet), text]);
  eachRow('what is read from a welcome', welcome, ({ payload, is }) => {
    const read = parseWelcome(payload);
    return [pick(read && { ...read, ...read.position }, is), is];
  });
  eachRow('what is read from an event', envelope, ({ payload, is }) => [
    pick(parseEnvelope(payload), is),
    is,
  ]);
  eachRow('which event concerns this device now', relevant, ({ event, is }) => [
    isRelevant(event, 'tv', Date.parse('2026-01-01T00:00:00.000Z')),
    is,
  ]);
  eachRow('how long a goaway asks to wait', retryAfterMs, ({ payload, is }) => [
    parseRetryAfterMs(payload),
    is,
  ]);
});

describe('vectors/state.json', () => {
  type Step = { snapshot: unknown } | { event: unknown };
  type State = Record<string, Fields[] | Fields>;
  const { folds } = readVectors('state') as {
    folds: Table<{ promise: string; steps: Step[]; state: State; anyOrder?: boolean }>;
  };
  test.each(folds)('$promise', (row) => {
    expectKnown('row', row, ['promise', 'steps', 'state', 'anyOrder']);
    const { steps, state, anyOrder } = row;
    let result = EMPTY_STATE;
    for (const step of steps) {
      const snapshot = 'snapshot' in step ? parseSnapshot(step.snapshot) : undefined;
      const event = 'event' in step ? parseEnvelope(step.event) : undefined;
      if (snapshot) result = applySnapshot(result, snapshot.state);
      if (event) result = applyEvent(result, event);
    }
    const { entries, ...rest } = result;
    const actual: Record<string, unknown> = { ...rest, entries: entries.map(({ offset }) => offset) };
    for (const [name, expected] of Object.entries(state)) {
      const rows = anyOrder && Array.isArray(expected) ? [...expected].sort(byShow) : expected;
      const found = anyOrder && Array.isArray(actual[name]) ? [...actual[name]].sort(byShow) : actual[name];
      expect({ [name]: found }).toMatchObject({ [name]: rows });
    }
  });
});

/** Orders playback positions whose own order says nothing. */
function byShow(a: Fields, b: Fields): number {
  return (a['showId'] as string) < (b['showId'] as string) ? -1 : 1;
}

/** Returns what socket.io-client's own parsers read from a text message, in the words of the table. */
function decodeText(text: string): Fields | null {
  const { type, data } = decodePacket(text);
  if (type === 'open') {
    const { pingInterval, pingTimeout } = JSON.parse(String(data)) as Fields;
    return { type, pingInterval, pingTimeout };
  }
  if (type !== 'message') return type === 'error' ? null : { type };
  const packets: Packet[] = [];
  const decoder = new Decoder();
  decoder.on('decoded', (packet: Packet) => void packets.push(packet));
  try {
    decoder.add(data);
  } catch {
    return null;
  }
  const [packet] = packets;
  return packet?.nsp === '/' ? toFields(packet) : null;
}

function toFields({ type, data, id }: Packet): Fields | null {
  if (type === PacketType.CONNECT) return { type: 'connect' };
  if (type === PacketType.DISCONNECT) return { type: 'disconnect' };
  if (type === PacketType.CONNECT_ERROR) return { type: 'refused', data: data.data };
  if (type === PacketType.ACK) return { type: 'ack', ackId: id, payload: data[0] };
  const ackId = id === undefined ? {} : { ackId: id };
  const payload = data[1] === undefined ? {} : { payload: data[1] };
  return typeof data[0] === 'string' ? { type: 'event', name: data[0], ...payload, ...ackId } : null;
}

function encodePacket({ type, auth, name, payload, ackId }: Fields): unknown {
  if (type === 'pong') return '3';
  const kind = { connect: PacketType.CONNECT, event: PacketType.EVENT, ack: PacketType.ACK }[String(type)];
  const data = type === 'connect' ? auth : type === 'ack' ? [] : [name, payload];
  const packet = {
    type: kind ?? PacketType.DISCONNECT,
    nsp: '/',
    data,
    ...(ackId !== undefined && { id: Number(ackId) }),
  };
  return `4${String(new Encoder().encode(packet)[0])}`;
}
