import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { NeedsScope } from '../auth/service-keys/service-key.guard.js';
import { Problem } from '../http/problem.js';
import { ConcurrencyLimiter } from '../rate-limits/concurrency-limiter.js';
import {
  auditExportQuery,
  type AuditExportQuery,
  auditList,
  auditQuery,
  type AuditQuery,
} from './audit.schema.js';
import { AuditService } from './audit.service.js';
import { Operation } from '../http/docs/operation.js';

/** Exports at once on a node: each keeps a page in memory. */
const MAX_EXPORTS = 2;
const RETRY_MS = 5_000;
/** A client that reads nothing for so long is cut off. */
const STALLED_MS = 60_000;

/** Who changed what, when and why. */
@ApiTags('operations')
@Controller('v1/audit')
@NeedsScope('read')
export class AuditController {
  private readonly exports = new ConcurrencyLimiter(MAX_EXPORTS);

  constructor(private readonly audit: AuditService) {}

  /** Lists what people and back offices changed, the newest first. */
  @Get()
  @Operation({ id: 'listAudit', summary: 'Read who changed what, when and why' })
  @ApiResponse({ status: 200, standardSchema: auditList })
  list(@Query({ schema: auditQuery }) query: AuditQuery) {
    return this.audit.list(query);
  }

  /** Exports the entries of a time as NDJSON, the oldest first. A response that breaks off before its end is incomplete. */
  @Get('export')
  @Operation({ id: 'exportAudit', summary: 'Read the audit as NDJSON' })
  @NeedsScope('admin')
  @ApiProduces('application/x-ndjson')
  @ApiResponse({ status: 200, description: 'An entry a line, as in the list', schema: { type: 'string' } })
  async export(
    @Query({ schema: auditExportQuery }) query: AuditExportQuery,
    @Res() response: Response,
  ): Promise<void> {
    if (!this.exports.enter('all'))
      throw new Problem('rate_limited', `At most ${MAX_EXPORTS} exports at once.`, {
        retryAfterMs: RETRY_MS,
      });
    try {
      await this.send(query, response);
    } finally {
      this.exports.leave('all');
    }
  }

  private async send(query: AuditExportQuery, response: Response): Promise<void> {
    const pages = this.audit.export(query);
    // Before the status is sent: PostgreSQL may be away.
    const first = await pages.next();
    response.status(200).type('application/x-ndjson').setTimeout(STALLED_MS);
    // It waits while the client reads slowly, and reads no further page once the client has left.
    await pipeline(Readable.from(ndjson(first, pages)), response).catch((error: unknown) => {
      if (!hasLeft(error)) throw error;
    });
  }
}

async function* ndjson<T>(
  first: IteratorResult<T[], void>,
  pages: AsyncIterable<T[]>,
): AsyncGenerator<string, void> {
  if (!first.done) yield linesOf(first.value);
  for await (const page of pages) yield linesOf(page);
}

const linesOf = (page: readonly unknown[]): string => page.map((one) => `${JSON.stringify(one)}\n`).join('');

const hasLeft = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
