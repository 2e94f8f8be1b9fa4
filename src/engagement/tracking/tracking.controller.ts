import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Operation } from '../../platform/http/docs/operation.js';
import { Problem } from '../../platform/http/problem.js';
import { trackedToken } from './tracking.schema.js';
import { TrackingService } from './tracking.service.js';

/** An image of one transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const SUFFIX = '.gif';

/** Where the links and images in messages lead that are counted. */
@ApiTags('processors')
@Controller('t')
export class TrackingController {
  constructor(private readonly tracking: TrackingService) {}

  /** Leads on to the address in the token, or is the image of a mail. Nobody who comes here has credentials: the token is what we made. */
  @Get(':token')
  @Operation({
    id: 'followTrackedLink',
    summary: 'Follow a link that is counted, or load the image of a mail',
    description:
      '`<token>.gif` is an image. A link leads only to the address that it was made for; a token that Usher did not make is not found.',
    problems: ['not_found'],
  })
  @ApiResponse({
    status: 302,
    description: 'To the address that the link was made for',
    content: { 'text/html': { schema: { type: 'string' } } },
  })
  @ApiResponse({
    status: 200,
    description: 'An image of one transparent pixel',
    content: { 'image/gif': { schema: { type: 'string', format: 'binary' } } },
  })
  follow(
    @Param('token', { schema: trackedToken }) token: string,
    @Req() request: Request,
    @Res() response: Response,
  ): void {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('X-Robots-Tag', 'noindex');
    if (token.endsWith(SUFFIX)) {
      if (!this.tracking.open(token.slice(0, -SUFFIX.length), request)) throw new Problem('not_found');
      response.type('image/gif').send(PIXEL);
      return;
    }
    const url = this.tracking.follow(token, request);
    if (url === undefined) throw new Problem('not_found');
    response.redirect(302, url);
  }
}
