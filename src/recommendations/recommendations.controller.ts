import { createGunzip } from 'node:zlib';
import { Controller, Get, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { profileId as profileIdSchema } from '../platform/auth/names.schema.js';
import { NeedsScope } from '../platform/auth/service-key.guard.js';
import { CurrentUser, UserGuard } from '../platform/auth/user.guard.js';
import { problemOf } from '../platform/http/problem.filter.js';
import { Problem } from '../platform/http/problem.js';
import { inflated } from './inflate.js';
import { RecommendationIngest, type Tally } from './ingest.service.js';
import { frontPage } from './recommendation.schema.js';
import { RecommendationStore } from './recommendation.store.js';

@ApiTags('back offices')
@Controller('v1/recommendations')
export class RecommendationsController {
  constructor(private readonly service: RecommendationIngest) {}

  /** The nightly file, a line a front page. The answer is NDJSON too: progress, then the tally. */
  @Post()
  @NeedsScope('recommendations')
  @ApiConsumes('application/x-ndjson')
  @ApiBody({ schema: { type: 'string' }, description: '{ userId, profileId?, version, items } a line; gzip welcome' })
  @ApiResponse({ status: 200, description: 'NDJSON; the last line holds { accepted, unchanged, stale, rejected }' })
  async ingest(@Req() request: Request, @Res() response: Response): Promise<void> {
    const body = bodyOf(request);
    response.status(200).type('application/x-ndjson');
    let last: Tally | undefined;
    try {
      for await (const tally of this.service.ingest(body)) {
        if (last) response.write(`${JSON.stringify({ progress: counts(tally) })}\n`);
        last = tally;
      }
      response.end(`${JSON.stringify({ ...(last && counts(last)), rejected: last?.rejected ?? [] })}\n`);
    } catch (error) {
      // What was committed stays: sending the file again is harmless.
      if (!response.headersSent) throw error;
      response.end(`${JSON.stringify({ error: problemOf(error) })}\n`);
    }
  }
}

@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/recommendations')
@UseGuards(UserGuard)
export class FrontPageController {
  constructor(private readonly store: RecommendationStore) {}

  @Get(':profileId')
  @ApiResponse({ status: 200, standardSchema: frontPage })
  @ApiResponse({ status: 304, description: 'The version is the one of If-None-Match' })
  async read(
    @CurrentUser() userId: string,
    @Param('profileId', { schema: profileIdSchema }) profileId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const page = await this.store.read(userId, profileId);
    if (!page) throw new Problem('not_found', 'There is no front page for this profile yet.');
    // Express compares it with If-None-Match and answers 304 by itself.
    response.setHeader('ETag', `"${encodeURIComponent(String(page.version))}"`);
    response.setHeader('Cache-Control', 'private, no-cache');
    return { profileId, ...page };
  }
}

function bodyOf(request: Request): AsyncIterable<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return request;
  if (encoding === 'gzip') return inflated(request, createGunzip());
  throw new Problem('unsupported_media_type', 'The body may be plain or gzip.');
}

const counts = ({ accepted, unchanged, stale, rejectedCount }: Tally) => ({ accepted, unchanged, stale, rejectedCount });
