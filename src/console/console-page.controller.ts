import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { PageFiles } from '../platform/http/pages/page-files.js';

/** Beside `dist/`, where `npm start` and the image's build put it. */
const PAGE = new URL('../../clients/console/dist/', import.meta.url);

/** Serves the console: one page, whatever is behind `/console/`; what is shown there it decides itself. */
@ApiExcludeController()
@Controller('console')
export class ConsolePageController {
  private readonly files = new PageFiles(PAGE);

  @Get('assets/:name')
  asset(@Param('name') name: string, @Res() response: Response): void {
    this.files.sendAsset(response, name);
  }

  @Get(['', '{*path}'])
  page(@Res() response: Response): void {
    this.files.sendPage(response, undefined);
  }
}
