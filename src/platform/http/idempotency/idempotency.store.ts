import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../postgres/database.js';
import { PrismaService } from '../../postgres/prisma.service.js';
import { named } from '../../postgres/statement.js';
import { Problem } from '../problem.js';
import type { IdempotentCall } from './idempotency.js';

/**
 * A call without a response after this long was abandoned: its node died. It may be carried out again, unless its effects are committed: then
 * what was stored with them is its response.
 */
const ABANDONED_MS = 60_000;

/** The response of an earlier call, encrypted (see `sealResponse`). */
export interface StoredResponse {
  readonly status: number;
  readonly sealed: Uint8Array;
}

const SETTLE = named(
  'idempotent-settle',
  `UPDATE idempotent_call c SET status = s.status, answer = s.answer
   FROM unnest($1::bytea[], $2::int[], $3::bytea[]) AS s (id, status, answer) WHERE c.id = s.id`,
);

/** What is stored with the effects of a call. A call without a status is still in progress: its response gets more. */
interface SealedResponse {
  readonly id: Uint8Array;
  readonly status: number | null;
  readonly sealed: Uint8Array;
}

/** Calls that carried an Idempotency-Key, with their responses. They are removed after a day (idempotency.retention.ts). */
@Injectable()
export class IdempotencyStore {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Claims the call. Returns undefined if the caller should carry it out, or the stored response if that was done before.
   * Throws Problem idempotency_mismatch for another body, idempotency_in_progress while the first call runs.
   */
  async begin(
    { id, status }: Pick<IdempotentCall, 'id' | 'status'>,
    bodyHash: Uint8Array<ArrayBuffer>,
  ): Promise<StoredResponse | undefined> {
    const { count } = await this.prisma.idempotentCall.createMany({
      data: [{ id, bodyHash }],
      skipDuplicates: true,
    });
    if (count === 1) return undefined;
    const call = await this.prisma.idempotentCall.findUnique({ where: { id } });
    if (!call) return this.begin({ id, status }, bodyHash);
    if (Buffer.compare(call.bodyHash, bodyHash) !== 0) throw new Problem('idempotency_mismatch');
    if (call.status !== null && call.answer !== null) return { status: call.status, sealed: call.answer };
    const abandoned = { id, status: null, createdAt: { lt: new Date(Date.now() - ABANDONED_MS) } };
    const { count: claimed } = await this.prisma.idempotentCall.updateMany({
      where: { ...abandoned, ...(call.answer === null && { answer: null }) },
      data: call.answer === null ? { createdAt: new Date() } : { status },
    });
    if (claimed === 0) throw new Problem('idempotency_in_progress', undefined, { retryAfterMs: 1_000 });
    return call.answer === null ? undefined : { status, sealed: call.answer };
  }

  /** Stores the response of a claimed call. Returns false if it has one already. */
  async settle(
    id: Uint8Array<ArrayBuffer>,
    status: number,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<boolean> {
    const { count } = await this.prisma.idempotentCall.updateMany({
      where: { id, status: null },
      data: { status, answer: sealed },
    });
    return count === 1;
  }

  /**
   * Stores responses in the transaction of their effects. If the commit succeeds but its confirmation is lost, a retry of the
   * call gets the response instead of a second effect.
   */
  async settleInTransaction(tx: Transaction, responses: readonly SealedResponse[]): Promise<void> {
    await tx.run(SETTLE, [
      responses.map(({ id }) => Buffer.from(id)),
      responses.map(({ status }) => status),
      responses.map(({ sealed }) => Buffer.from(sealed)),
    ]);
  }

  /** Releases the claim of a call that failed, so that it can be tried again. If its effects are committed all the same, it has its response. */
  async release({ id, status }: Pick<IdempotentCall, 'id' | 'status'>): Promise<void> {
    const { count } = await this.prisma.idempotentCall.deleteMany({
      where: { id, status: null, answer: null },
    });
    if (count === 0)
      await this.prisma.idempotentCall.updateMany({
        where: { id, status: null, answer: { not: null } },
        data: { status },
      });
  }
}
