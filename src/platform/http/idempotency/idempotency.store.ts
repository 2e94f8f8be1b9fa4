import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../postgres/database.js';
import { PrismaService } from '../../postgres/prisma.service.js';
import { named } from '../../postgres/statement.js';
import { Problem } from '../problem.js';

/** A call without a response after this long was abandoned (its node died), and may be carried out again. */
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

/** Calls that carried an Idempotency-Key, with their responses. They are removed after a day (idempotency.retention.ts). */
@Injectable()
export class IdempotencyStore {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Claims the call. Returns undefined if the caller should carry it out, or the stored response if that was done before.
   * Throws Problem idempotency_mismatch for another body, idempotency_in_progress while the first call runs.
   */
  async begin(
    id: Uint8Array<ArrayBuffer>,
    bodyHash: Uint8Array<ArrayBuffer>,
  ): Promise<StoredResponse | undefined> {
    const { count } = await this.prisma.idempotentCall.createMany({
      data: [{ id, bodyHash }],
      skipDuplicates: true,
    });
    if (count === 1) return undefined;
    const call = await this.prisma.idempotentCall.findUnique({ where: { id } });
    if (!call) return this.begin(id, bodyHash);
    if (Buffer.compare(call.bodyHash, bodyHash) !== 0) throw new Problem('idempotency_mismatch');
    if (call.status !== null && call.answer !== null) return { status: call.status, sealed: call.answer };
    const { count: claimed } = await this.prisma.idempotentCall.updateMany({
      where: { id, status: null, createdAt: { lt: new Date(Date.now() - ABANDONED_MS) } },
      data: { createdAt: new Date() },
    });
    if (claimed === 0) throw new Problem('idempotency_in_progress', undefined, { retryAfterMs: 1_000 });
    return undefined;
  }

  /** Stores the response of a claimed call. */
  async settle(id: Uint8Array<ArrayBuffer>, status: number, sealed: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.prisma.idempotentCall.update({ where: { id }, data: { status, answer: sealed } });
  }

  /**
   * Stores responses in the transaction of their effects. If the commit succeeds but its confirmation is lost, a retry of the
   * call gets the response instead of a second effect.
   */
  async settleInTransaction(
    tx: Transaction,
    responses: readonly (StoredResponse & { readonly id: Uint8Array })[],
  ): Promise<void> {
    await tx.run(SETTLE, [
      responses.map(({ id }) => Buffer.from(id)),
      responses.map(({ status }) => status),
      responses.map(({ sealed }) => Buffer.from(sealed)),
    ]);
  }

  /** Releases the claim of a call that failed, so that it can be tried again. A call with a stored response is kept. */
  async release(id: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.prisma.idempotentCall.deleteMany({ where: { id, status: null } });
  }
}
