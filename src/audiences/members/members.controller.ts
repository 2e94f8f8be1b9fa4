import { Controller, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { streamedBody } from '../../platform/http/body/streamed-body.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Problem } from '../../platform/http/problem.js';
import { problemBody } from '../../platform/http/problem-body.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { audienceName } from '../audience.schema.js';
import type { ListFormat } from './member-lines.js';
import { type UploadQuery, uploadQuery } from './members.schema.js';
import { newUploadTally, UploadService, type UploadTally } from './upload.service.js';

const EXAMPLE = '{"userId":"ada","data":{"city":"Berlin"}}\n{"userId":"ben"}\n';

/** The members of lists. */
@ApiTags('back offices')
@Controller('v1/audiences/:name/members')
@NeedsScope('operate')
export class MembersController {
  constructor(private readonly uploads: UploadService) {}

  /** Adds members from a file. The response is NDJSON: progress while it runs, then the tally. */
  @Put()
  @Operation({
    id: 'uploadAudienceMembers',
    summary: 'Upload the members of a list',
    description:
      'NDJSON, a member a line, or CSV with a head, of any length, plain or gzip. An invalid line rejects that line alone. Members who are there stay; sending the file again, or from the line after the last progress, is harmless.',
    problems: ['not_found', 'conflict', 'unsupported_media_type'],
  })
  @Audited()
  @ApiConsumes('application/x-ndjson', 'text/csv')
  @ApiBody({
    schema: { type: 'string', example: EXAMPLE },
    description: '{ userId, data? } a line; or CSV whose head has userId, and the names of data',
  })
  @ApiResponse({
    status: 200,
    description: 'Progress, then { accepted, unchanged, line, rejectedCount, rejected } in the last line',
    content: { 'application/x-ndjson': { schema: { type: 'string' } } },
  })
  async upload(
    @Param('name', { schema: audienceName }) name: string,
    @Query({ schema: uploadQuery }) { from }: UploadQuery,
    @CurrentAuditContext() by: AuditContext,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const body = streamedBody(request);
    const tally = newUploadTally();
    try {
      const format = formatOf(request);
      await this.uploads.begin(name, by);
      response.status(200).type('application/x-ndjson');
      for await (const _ of this.uploads.upload(name, body, { format, from, tally }))
        response.write(`${JSON.stringify({ progress: counts(tally) })}\n`);
      await this.uploads.end(name, tally, by);
      response.end(`${JSON.stringify({ ...counts(tally), rejected: tally.rejected })}\n`);
    } catch (error) {
      // Once the status is sent, the error is the last line. What was committed stays.
      if (!response.headersSent) throw error;
      response.end(
        `${JSON.stringify({ ...counts(tally), error: problemBody(toProblem(error), request) })}\n`,
      );
    } finally {
      // The rest of a refused file is thrown away: the next request of the connection would wait behind it.
      request.resume();
    }
  }
}

/** Throws Problem unsupported_media_type. */
function formatOf(request: Request): ListFormat {
  if (request.is('application/x-ndjson')) return 'ndjson';
  if (request.is('text/csv')) return 'csv';
  throw new Problem('unsupported_media_type', 'This call needs application/x-ndjson or text/csv.');
}

const counts = ({ accepted, unchanged, rejectedCount, line }: UploadTally) => ({
  accepted,
  unchanged,
  rejectedCount,
  line,
});
