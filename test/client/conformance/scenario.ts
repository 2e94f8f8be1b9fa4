import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Beat, Position } from '../../../clients/web/src/index.js';

export type Fields = Readonly<Record<string, unknown>>;

/** What a scenario begins with. */
export interface Given {
  readonly random?: number;
  readonly token?: string;
  readonly fixedToken?: boolean;
  readonly stored?: Readonly<Record<string, Position>>;
}

/** A step: one of the first fields, and what it takes beside. */
export interface Step {
  readonly welcome?: Fields;
  readonly snapshot?: Fields;
  readonly event?: Fields;
  readonly frame?: string;
  readonly refuse?: Fields;
  readonly reply?: Fields;
  readonly cut?: true;
  readonly pings?: false;
  readonly advanceMs?: number;
  readonly sleepMs?: number;
  readonly setClockMs?: number;
  readonly online?: true;
  readonly token?: string;
  readonly storage?: string;
  readonly handler?: string;
  readonly restart?: true;
  readonly close?: true;
  readonly call?: string;
  readonly expect?: string;

  readonly auth?: Readonly<Record<string, string | null>>;
  readonly name?: string;
  readonly payload?: Fields;
  readonly ids?: number;
  readonly times?: number;
  readonly beat?: Partial<Beat>;
  readonly episodeIdLength?: number;
  readonly from?: number;
  readonly to?: number;
  readonly idLength?: number;
}

/** What must be so after the last step. The other fields are compared as they are. */
export interface End extends Fields {
  readonly stored?: Partial<Position> | null;
  readonly storedFor?: Readonly<Record<string, Partial<Position> | null>>;
  readonly known?: Fields;
}

/** A scenario of clients/conformance/scenarios. */
export interface Scenario {
  readonly id: string;
  readonly promise: string;
  readonly given?: Given;
  readonly steps: readonly Step[];
  readonly end: End;
}

const folder = fileURLToPath(new URL('../../../clients/conformance/', import.meta.url));

export function readScenarios(): Scenario[] {
  const files = readdirSync(`${folder}scenarios`).filter((name) => name.endsWith('.json'));
  return files.flatMap(
    (file) => JSON.parse(readFileSync(`${folder}scenarios/${file}`, 'utf8')) as Scenario[],
  );
}

/** Returns the tables of a file of vectors, each a list of rows. */
export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(`${folder}vectors/${name}.json`, 'utf8'));
}

/** Throws if an object has a field that the runner does not know: a scenario must not pass because half of it is ignored. */
export function expectKnown(what: string, object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${what}: the runner does not know ${unknown.join(', ')}`);
}

/** Returns the token with this name (clients/conformance/README.md, "The fake"). */
export function createToken(name: string): string {
  const [sub, jti] = name.split('/');
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(jti === undefined ? { sub } : { sub, jti })}.x`;
}

const AT = '2026-01-01T00:00:00.000Z';

/** Returns an event with the defaults filled in. */
export function createEvent(fields: Fields): Fields & { readonly type: string } {
  const { offset, broadcast } = fields;
  if (broadcast !== undefined) return { ...createBroadcast(broadcast), ...fields };
  const durable = {
    id: `e-${String(offset)}`,
    type: 'note',
    tier: 'important',
    key: `note:${String(offset)}`,
  };
  const defaults =
    offset === undefined
      ? { id: 'r', type: 'hint', tier: 'routine', key: 'hint' }
      : { ...durable, epoch: 'e1' };
  return { ...defaults, at: AT, data: {}, ...fields };
}

const createBroadcast = (number: unknown) => ({
  id: `b-${String(number)}`,
  type: 'notice',
  tier: 'important',
  key: `notice:${String(number)}`,
  epoch: 'e1',
  at: AT,
  data: {},
});

/** Returns a welcome with the defaults filled in. `now`: the server's time in ms. */
export function createWelcome(fields: Fields, now: number): Fields {
  return {
    userId: 'ann',
    deviceId: 'tv',
    epoch: 'e1',
    offset: 0,
    resume: 'snapshot',
    heartbeatSeconds: 60,
    tokenExpiresAt: new Date(now + 86_400_000).toISOString(),
    serverTime: new Date(now).toISOString(),
    ...fields,
  };
}

/** Returns a snapshot with the defaults filled in. */
export function createSnapshot({ epoch = 'e1', offset, entries = [], ...rest }: Fields): Fields {
  const events = (entries as Fields[]).map(createEvent);
  return { position: { epoch, offset }, hasMore: false, entries: events, ...rest };
}
