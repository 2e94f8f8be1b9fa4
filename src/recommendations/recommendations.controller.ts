import { Controller, Get, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { profileId as profileIdSchema, userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { findServiceKey } from '../platform/auth/caller.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { CurrentUser, UserGuard } from '../platform/auth/user-tokens/user.guard.js';
import { Problem } from '../platform/http/problem.js';
import { problemBody } from '../platform/http/problem-body.js';
import { toProblem } from '../platform/http/to-problem.js';
import { streamedBody } from '../platform/http/body/streamed-body.js';
import type { IngestTally } from './ingest/ingest.service.js';
import { frontPageList, frontPageResponse, type IngestQuery, ingestQuery } from './recommendation.schema.js';
import { type FrontPage, RecommendationStore } from './recommendation.store.js';
import { RunsService } from './runs/runs.service.js';
import { Operation } from '../platform/http/docs/operation.js';

const EXAMPLE_LINE = `${JSON.stringify({ userId: 'ada', profileId: 'main', version: 20261120, items: [{ showId: 'dark' }] })}\n`;

/** The call of back offices. */
@ApiTags('back offices')
@Controller('v1/recommendations')
export class RecommendationsController {
  constructor(private readonly runs: RunsService) {}

  /**
   * Ingests the nightly file: NDJSON, one front page a line. The response is NDJSON too: progress while it runs, then
   * the tally.
   */
  @Post()
  @Operation({
    id: 'ingestRecommendations',
    summary: 'Send the nightly file',
    description:
      'NDJSON, a front page a line, of any length, plain or gzip. An invalid line rejects that line alone.',
    problems: ['unsupported_media_type'],
  })
  @NeedsScope('recommendations')
  @ApiConsumes('application/x-ndjson')
  @ApiBody({
    schema: { type: 'string', example: EXAMPLE_LINE },
    description: '{ userId, profileId?, version, items } a line; gzip welcome',
  })
  @ApiResponse({
    status: 200,
    description:
      'Progress, then { runId, accepted, unchanged, conflicting, stale, rejectedCount, rejected } in the last line',
    content: { 'application/x-ndjson': { schema: { type: 'string' } } },
  })
  async ingest(
    @Req() request: Request,
    @Query({ schema: ingestQuery }) { onInvalid }: IngestQuery,
    @Res() response: Response,
  ): Promise<void> {
    const body = streamedBody(request);
    const run = await this.runs.begin(findServiceKey(request)?.id ?? '', onInvalid);
    const { id: runId, tally } = run;
    // On a refusal as well, whatever it says.
    response.setHeader('Usher-Run-Id', runId);
    response.status(200).type('application/x-ndjson');
    try {
      let isFirst = true;
      for await (const _ of this.runs.ingest(run, body)) {
        if (!isFirst) response.write(`${JSON.stringify({ progress: counts(tally) })}\n`);
        isFirst = false;
      }
      response.end(`${JSON.stringify({ runId, ...counts(tally), rejected: tally.rejected })}\n`);
    } catch (error) {
      // Once the status is sent, the error is the last line. What was committed stays: sending the file again is harmless.
      if (!response.headersSent) throw error;
      response.end(`${JSON.stringify({ runId, error: problemBody(toProblem(error), request) })}\n`);
    } finally {
      // The rest of a refused file is thrown away: the next request of the connection would wait behind it.
      request.resume();
    }
  }
}

/** The call of people who look. */
@ApiTags('back offices')
@Controller('v1/users')
export class UserRecommendationsController {
  constructor(private readonly store: RecommendationStore) {}

  /** A user's front pages as their apps get them, by profile. */
  @Get(':userId/recommendations')
  @Operation({ id: 'listFrontPages', summary: 'Read the front pages of a user' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: frontPageList })
  async list(@Param('userId', { schema: userIdSchema }) userId: string) {
    return { recommendations: await this.store.listOf(userId) };
  }
}

/** The call of apps. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/recommendations')
@UseGuards(UserGuard)
export class FrontPageController {
  constructor(private readonly store: RecommendationStore) {}

  /** The profile's newest front page. */
  @Get(':profileId')
  @Operation({
    id: 'getFrontPage',
    summary: 'Read the newest front page of a profile',
    problems: ['not_found'],
  })
  @ApiResponse({ status: 200, standardSchema: frontPageResponse })
  @ApiResponse({ status: 304, description: 'The version is the one of If-None-Match' })
  async read(
    @CurrentUser() userId: string,
    @Param('profileId', { schema: profileIdSchema }) profileId: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const page = await this.store.read(userId, profileId);
    if (!page) throw new Problem('not_found', 'There is no front page for this profile yet.');
    const etag = `"${encodeURIComponent(String(page.version))}"`;
    response.setHeader('ETag', etag);
    response.setHeader('Cache-Control', 'private, no-cache');
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    // Express would ignore If-None-Match when the request also has `Cache-Control: no-cache`, as fetch sends it.
    if (!matches(request.headers['if-none-match'], etag)) return encodePage(profileId, page);
    response.status(304);
    return undefined;
  }
}

/** As frontPageResponse. The items are JSON already: parsed, only to be encoded again, a large page would hold up the event loop. */
const encodePage = (profileId: string, { version, items }: FrontPage): string =>
  `{"profileId":${JSON.stringify(profileId)},"version":${JSON.stringify(version)},"items":${items}}`;

/** Whether an If-None-Match header names the ETag (RFC 9110, weak comparison). */
const matches = (condition: string | undefined, etag: string): boolean =>
  (condition ?? '').split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);

const counts = ({ accepted, unchanged, conflicting, stale, rejectedCount }: IngestTally) => ({
  accepted,
  unchanged,
  conflicting,
  stale,
  rejectedCount,
});
