import type { AuditContext } from '../../src/platform/audit/audit-entry.js';
import { AuditService } from '../../src/platform/audit/audit.service.js';
import { AuditStore } from '../../src/platform/audit/audit.store.js';
import type { Database } from '../../src/platform/postgres/database.js';
import type { TestUsher } from './drivers/usher.js';

/** Who acts where a test calls a service of its own. */
export const byTest: AuditContext = {
  actor: { kind: 'key', id: 'bootstrap', name: 'a test' },
  role: 'admin',
  requestId: 'test',
};

/** Returns the audit in this database. */
export const auditIn = (database: Database): AuditService =>
  new AuditService(new AuditStore(database), database);

/** An entry as `GET /v1/audit` has it. */
export interface ReadEntry extends Record<string, unknown> {
  readonly id: string;
  readonly at: string;
}

/** Returns what `GET /v1/audit` returns for this query, the newest first. */
export async function readAudit(usher: TestUsher, query: string): Promise<ReadEntry[]> {
  const { status, body } = await usher.backOffice.call('GET', `/v1/audit?${query}`);
  if (status !== 200) throw new Error(`the audit cannot be read: ${status}`);
  return body.entries as ReadEntry[];
}
