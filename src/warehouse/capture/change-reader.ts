import { createHash } from 'node:crypto';
import type { Pgoutput } from 'pg-logical-replication';
import { type Lsn, parseLsn } from './lsn.js';
import { type RawOperation, type RawRecord, type RawRow, streamOrder } from './raw-record.js';

/** The columns of a table as they are now, with the hash that records name. */
export interface TableSchema {
  readonly table: string;
  readonly hash: string;
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[];
}

/** What a message of the stream brought. */
export interface ReadMessage {
  readonly records: readonly RawRecord[];
  /** A transaction is complete: the log up to here has been sent. */
  readonly committedTo?: Lsn;
}

interface OpenTransaction {
  readonly commitLsn: Lsn;
  readonly committedAt: string;
  readonly xid: number;
  changes: number;
}

const HASH_DIGITS = 8;
const NOTHING: ReadMessage = { records: [] };

/** Turns the messages of pgoutput, one after the other, into records. */
export class ChangeReader {
  private transaction: OpenTransaction | undefined;
  private readonly schemas = new Map<string, TableSchema>();

  /** Returns the schema of a table of which a change was read. */
  schemaOf(table: string): TableSchema | undefined {
    return this.schemas.get(table);
  }

  /** `lsn`: where the message stands in the log. Throws for a change outside of a transaction. */
  read(lsn: Lsn, message: Pgoutput.Message): ReadMessage {
    switch (message.tag) {
      case 'begin':
        this.transaction = beginOf(message);
        return NOTHING;
      case 'relation':
        this.schemas.set(message.name, schemaOf(message.name, message.columns));
        return NOTHING;
      case 'insert':
        return this.change(lsn, 'insert', message.relation, message.new);
      case 'update':
        return this.change(lsn, 'update', message.relation, message.new);
      case 'delete':
        return this.change(lsn, 'delete', message.relation, message.old ?? message.key);
      case 'truncate':
        return {
          records: message.relations.flatMap((one) => this.change(lsn, 'truncate', one, null).records),
        };
      case 'commit':
        this.transaction = undefined;
        return { records: [], committedTo: parseLsn(message.commitEndLsn ?? '0/0') };
      default:
        return NOTHING;
    }
  }

  private change(
    lsn: Lsn,
    op: RawOperation,
    relation: Pgoutput.MessageRelation,
    row: Record<string, unknown> | null,
  ): ReadMessage {
    const { transaction } = this;
    const schema = this.schemas.get(relation.name);
    if (!transaction || !schema) throw new Error(`a change of ${relation.name} outside of a transaction`);
    const { commitLsn, committedAt, xid } = transaction;
    const order = streamOrder(commitLsn, transaction.changes++);
    const table = relation.name;
    return {
      records: [{ order, table, op, lsn, committedAt, xid, schema: schema.hash, row: row as RawRow | null }],
    };
  }
}

/** The transaction's number is unsigned, and the library reads it as signed. */
const beginOf = ({ commitLsn, commitTime, xid }: Pgoutput.MessageBegin): OpenTransaction => ({
  commitLsn: parseLsn(commitLsn ?? '0/0'),
  committedAt: new Date(Number(BigInt(commitTime.toString()) / 1_000n)).toISOString(),
  xid: xid >>> 0,
  changes: 0,
});

/** Returns the schema of a table with these columns. */
export function schemaOf(table: string, columns: TableSchema['columns']): TableSchema {
  const kept = columns.map(({ name, typeOid }) => ({ name, typeOid }));
  const hash = createHash('sha256').update(JSON.stringify(kept)).digest('hex').slice(0, HASH_DIGITS);
  return { table, hash, columns: kept };
}
