import { z } from 'zod';
import { instant, storableInstant, userId } from '../auth/ids.schema.js';
import { SCOPES } from '../auth/service-keys/service-key.js';
import { cursorOrInstant, listLimit, nextCursor } from '../http/cursor.schema.js';
import { plainText } from '../http/text.schema.js';
import { placeAt } from './audit-entry.js';

const actorId = plainText(255).min(1);
const action = z.string().regex(/^[a-z]+\.[a-z]+$/, { error: 'must be a thing and a verb, as `plan.put`' });
const place = cursorOrInstant(z.tuple([storableInstant, z.uuid()]), placeAt);

/** The query of GET /v1/audit. */
export const auditQuery = z.strictObject({
  user: userId.optional().describe('Only what concerned this user'),
  actor: actorId.optional().describe('Only what this key or person did: its id'),
  action: action.optional().describe('Only this action, as `key.revoke`'),
  before: place.optional().describe('The `next` of an earlier response, or an instant: only older entries.'),
  limit: listLimit,
});
export type AuditQuery = z.infer<typeof auditQuery>;

/** The query of GET /v1/audit/export. */
export const auditExportQuery = z.strictObject({
  from: storableInstant.default('1970-01-01T00:00:00.000Z').describe('The first instant'),
  to: storableInstant.default('9999-12-31T23:59:59.999Z').describe('The instant after the last one'),
});
export type AuditExportQuery = z.infer<typeof auditExportQuery>;

const fields = z.record(z.string(), z.unknown()).nullable();

/** An entry of the audit: a line of the export, too. */
export const auditEntry = z.object({
  id: z.uuid(),
  at: instant,
  actor: z.object({ kind: z.enum(['key', 'person', 'worker']), id: z.string(), name: z.string() }),
  role: z.enum(SCOPES).describe('The least scope of the actor that allowed it'),
  action: z.string(),
  target: z.object({ kind: z.string(), id: z.string().nullable() }),
  userId: userId.nullable(),
  before: fields.describe('The fields that changed, as they were'),
  after: fields.describe('The fields that changed, as they are'),
  reason: z.string().nullable(),
  requestId: z.string(),
  result: z.enum(['done', 'unchanged', 'accepted']),
});

/** The response of GET /v1/audit. */
export const auditList = z
  .object({ entries: z.array(auditEntry), next: nextCursor })
  .meta({ id: 'AuditEntries' });
