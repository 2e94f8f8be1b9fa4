import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { reject, type Rejections } from '../../platform/http/body/json-line.js';
import { Problem } from '../../platform/http/problem.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { AudienceStore } from '../audience.store.js';
import { noAudience } from '../audiences.service.js';
import { AudienceMemberStore } from './audience-member.store.js';
import { type ListFormat, type NumberedMember, readMembers } from './member-lines.js';

/** Lines of one commit: enough to make the round trip worthwhile, few enough to hold in memory. */
const BATCH_SIZE = 1_000;

/** What became of an upload so far. */
export interface UploadTally extends Rejections {
  /** Members that are new, or have other data than before. */
  accepted: number;
  unchanged: number;
  /** All lines up to this one are stored, or rejected: an upload that breaks off goes on with the next one. */
  line: number;
}

/** Returns the tally of a file of which nothing is read yet. */
export const newUploadTally = (): UploadTally => ({
  accepted: 0,
  unchanged: 0,
  rejectedCount: 0,
  rejected: [],
  line: 0,
});

/** Takes the members of a list from a file, in batches, with constant memory. Sending it again, or a part of it, changes nothing. */
@Injectable()
export class UploadService {
  constructor(
    private readonly audiences: AudienceStore,
    private readonly members: AudienceMemberStore,
    private readonly database: Database,
    private readonly audit: AuditService,
  ) {}

  /** Tells the audit that an upload begins. Throws Problem not_found, or conflict for an audience with a rule. */
  begin(name: string, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, async (tx) => {
      await this.lock(tx, name);
      return { outcome: undefined, acts: [actOn(name, 'accepted')] };
    });
  }

  /** Counts in `tally`, and yields after each batch. Throws what the body or PostgreSQL throws; what was committed before stays. */
  async *upload(
    name: string,
    body: AsyncIterable<Uint8Array>,
    { tally, ...how }: { readonly format: ListFormat; readonly from: number; readonly tally: UploadTally },
  ): AsyncGenerator<void> {
    let batch: NumberedMember[] = [];
    let read = 0;
    for await (const lines of readMembers(body, how))
      for (const one of lines) {
        read = one.line;
        if ('code' in one) reject(tally, one);
        else batch.push(one);
        // By lines, not by members: of a file that is mostly broken the caller hears, too.
        if (read - tally.line < BATCH_SIZE) continue;
        await this.write(name, batch, tally);
        tally.line = read;
        batch = [];
        yield;
      }
    await this.write(name, batch, tally);
    tally.line = read;
    yield;
  }

  /** Tells the audit what became of it. */
  end(name: string, { accepted, unchanged, rejectedCount }: UploadTally, by: AuditContext): Promise<void> {
    return this.audit.transaction('important', by, () =>
      Promise.resolve({
        outcome: undefined,
        acts: [{ ...actOn(name, 'done'), after: { accepted, unchanged, rejectedCount } }],
      }),
    );
  }

  /** Of a member that is named twice in a batch the later line counts, as it would in two batches. */
  private async write(name: string, batch: readonly NumberedMember[], tally: UploadTally): Promise<void> {
    if (batch.length === 0) return;
    const members = new Map(batch.map(({ value }) => [value.userId, value]));
    const accepted = await this.database.transaction('routine', async (tx) => {
      await this.lock(tx, name);
      return this.members.add(tx, name, [...members.values()]);
    });
    tally.accepted += accepted;
    tally.unchanged += batch.length - accepted;
  }

  private async lock(tx: Transaction, name: string): Promise<void> {
    const found = await this.audiences.lock(tx, name);
    if (!found || found.isRemoved) throw noAudience();
    if (found.rule)
      throw new Problem('conflict', 'The members of this audience follow from its rule; it takes no list.');
  }
}

const actOn = (name: string, result: 'accepted' | 'done'): AuditedAct => ({
  action: 'audience.upload',
  target: { kind: 'audience', id: name },
  result,
});
