import type { AuditContext } from '../../src/platform/audit/audit-entry.js';
import { AuditService } from '../../src/platform/audit/audit.service.js';
import { AuditStore } from '../../src/platform/audit/audit.store.js';
import type { Database } from '../../src/platform/postgres/database.js';

/** Who acts where a test calls a service of its own. */
export const byTest: AuditContext = {
  actor: { kind: 'key', id: 'bootstrap', name: 'a test' },
  role: 'admin',
  requestId: 'test',
};

/** Returns the audit in this database. */
export const auditIn = (database: Database): AuditService =>
  new AuditService(new AuditStore(database), database);
