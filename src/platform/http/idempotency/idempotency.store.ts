import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../postgres/database.js';
import { PrismaService } from '../../postgres/prisma.service.js';
import { named } from '../../postgres/statement.js';
import { Problem } from '../problem.js';

/** A call that began and never ended (its node died) may be begun again after this. */
const ABANDONED_MS = 60_000;

export interface StoredAnswer {
  readonly status: number;
  readonly sealed: Uint8Array;
}

const SETTLE_WITH = named(
  'idempotent-settle',
  `UPDATE idempotent_call c SET status = s.status, answer = s.answer
   FROM unnest($1::bytea[], $2::int[], $3::bytea[]) AS s (id, status, answer) WHERE c.id = s.id`,
);

/** The memory of calls that carried an Idempotency-Key; kept for a day (see housekeeping). */
@Injectable()
export class IdempotencyStore {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Claims the call. Answers undefined when the caller should carry it out, or the stored answer when it was before.
   * Throws idempotency_mismatch for another body, idempotency_in_progress while the first one runs.
   */
  async begin(
    id: Uint8Array<ArrayBuffer>,
    bodyHash: Uint8Array<ArrayBuffer>,
  ): Promise<StoredAnswer | undefined> {
    const { count } = await this.prisma.idempotentCall.createMany({
      data: [{ id, bodyHash }],
      skipDuplicates: true,
    });
    if (count === 1) return undefined;
    const call = await this.prisma.idempotentCall.findUnique({ where: { id } });
    if (!call) return this.begin(id, bodyHash);
    if (Buffer.compare(call.bodyHash, bodyHash) !== 0) throw new Problem('idempotency_mismatch');
    if (call.status !== null && call.answer !== null) return { status: call.status, sealed: call.answer };
    const { count: taken } = await this.prisma.idempotentCall.updateMany({
      where: { id, status: null, createdAt: { lt: new Date(Date.now() - ABANDONED_MS) } },
      data: { createdAt: new Date() },
    });
    if (taken === 0) throw new Problem('idempotency_in_progress', undefined, { retryAfterMs: 1_000 });
    return undefined;
  }

  async settle(id: Uint8Array<ArrayBuffer>, status: number, answer: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.prisma.idempotentCall.update({ where: { id }, data: { status, answer } });
  }

  /** Stores answers in the transaction of their effects, so that a commit whose outcome nobody learned is known to the retry. */
  async settleWith(
    tx: Transaction,
    answers: readonly (StoredAnswer & { readonly id: Uint8Array })[],
  ): Promise<void> {
    const column = <T>(of: (answer: (typeof answers)[number]) => T): T[] => answers.map(of);
    const bytes = (given: Uint8Array) => Buffer.from(given);
    await tx.run(SETTLE_WITH, [
      column(({ id }) => bytes(id)),
      column(({ status }) => status),
      column(({ sealed }) => bytes(sealed)),
    ]);
  }

  /** A call that was refused had no effect, or its answer is stored with it: without an answer the key may be tried again. */
  async forget(id: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.prisma.idempotentCall.deleteMany({ where: { id, status: null } });
  }

  /** Removes the calls that began before `before`. */
  async expire(before: Date): Promise<number> {
    const { count } = await this.prisma.idempotentCall.deleteMany({ where: { createdAt: { lt: before } } });
    return count;
  }
}
