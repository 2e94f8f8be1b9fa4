import { Controller, Get, Param } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { digestName } from '../definitions/definition.schema.js';
import { DigestPreviewService } from './digest-preview.service.js';
import { digestForecast, previewResponse } from './preview.schema.js';

/** What digests will be. */
@ApiTags('back offices')
@Controller('v1')
@NeedsScope('read')
export class DigestPreviewController {
  constructor(private readonly previews: DigestPreviewService) {}

  /** A user's next digest. */
  @Get('users/:userId/digests/:name/preview')
  @Operation({
    id: 'previewDigest',
    summary: "Read a user's next digest as it would be now",
    problems: ['not_found'],
  })
  @ApiResponse({ status: 200, standardSchema: previewResponse })
  preview(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('name', { schema: digestName }) name: string,
  ) {
    return this.previews.preview(userId, name);
  }

  /** How many are due when. */
  @Get('digests/:name/forecast')
  @Operation({
    id: 'getDigestForecast',
    summary: 'Read how many digests are due in the next 24 hours',
    problems: ['not_found'],
  })
  @ApiResponse({ status: 200, standardSchema: digestForecast })
  forecast(@Param('name', { schema: digestName }) name: string) {
    return this.previews.forecast(name);
  }
}
