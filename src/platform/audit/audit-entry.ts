import { isDeepStrictEqual } from 'node:util';
import type { Scope } from '../auth/service-keys/service-key.js';

/** Who changes something: a service key, a person in the console, or a worker of Usher by itself. */
export interface Actor {
  readonly kind: 'key' | 'person' | 'worker';
  readonly id: string;
  /** For people to read; as it was then. */
  readonly name: string;
}

/** Who makes a call, by which right, why, and in which request. */
export interface AuditContext {
  readonly actor: Actor;
  /** The least of the actor's scopes that allows the call. */
  readonly role: Scope;
  readonly reason?: string | undefined;
  readonly requestId: string;
}

/** Returns the context of what a worker does by itself. */
export const byWorker = (id: string, role: Scope): AuditContext => ({
  actor: { kind: 'worker', id, name: 'Usher' },
  role,
  requestId: 'none',
});

/** `unchanged`: it was so before. `accepted`: it has begun, and another entry tells of its end. */
export type AuditResult = 'done' | 'unchanged' | 'accepted';

/** What is told of a thing that was changed, by the names of its fields: never a secret. */
export type AuditedFields = Readonly<Record<string, unknown>>;

/** What was done, for the audit. */
export interface AuditedAct {
  /** The thing and the verb: `plan.put`. */
  readonly action: `${string}.${string}`;
  readonly target: { readonly kind: string; readonly id: string };
  /** The user whom it concerns, if there is one. The target and the fields must name no other user: they are erased with this one. */
  readonly userId?: string | undefined;
  /** The thing as it was; left out when it is new. */
  readonly before?: AuditedFields | undefined;
  /** The thing as it is; left out when it is gone. */
  readonly after?: AuditedFields | undefined;
  readonly result: AuditResult;
}

/** Bytes of JSON of one field. Some 250 price ids have room. */
const MAX_FIELD_BYTES = 8_192;

/** Returns the fields in which the thing differs from what it was: all of them when it is new or gone. */
export function changedFields(
  before: AuditedFields | undefined,
  after: AuditedFields | undefined,
): Pick<AuditedAct, 'before' | 'after'> {
  if (!before || !after) return { before, after };
  const names = Object.keys({ ...before, ...after });
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  if (changed.length === 0) return {};
  const only = (fields: AuditedFields) =>
    Object.fromEntries(changed.filter((name) => name in fields).map((name) => [name, fields[name]]));
  return { before: only(before), after: only(after) };
}

/** Returns the fields as JSON, null without any. Of a field that is too large only its size is told, as `{ "omittedBytes": … }`. */
export function auditJson(fields: AuditedFields | undefined): string | null {
  if (!fields) return null;
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, limited(value)])),
  );
}

function limited(value: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null));
  return bytes > MAX_FIELD_BYTES ? { omittedBytes: bytes } : value;
}

/** A place between entries: a time (ISO 8601, or an infinity of PostgreSQL) and the id of an entry of that time. */
export type AuditPlace = [at: string, id: string];
/** Less than the ids of all entries. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Returns the place before all entries of that time, and behind all of before it. */
export const placeAt = (at: string): AuditPlace => [at, FIRST_ID];
