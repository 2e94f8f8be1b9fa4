import { Controller, Get, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { PageFiles } from '../platform/http/pages/page-files.js';
import { KnownHostGuard } from './known-host.guard.js';

/** Beside `dist/`, where `npm start` builds it. */
const PAGE = new URL('../../clients/demo/dist/', import.meta.url);

/** Serves the page. Without the demo `/` is a 404. */
@ApiExcludeController()
@Controller()
@UseGuards(KnownHostGuard)
export class PageController {
  /** It shows mails in frames. */
  private readonly files = new PageFiles(PAGE, ["frame-src 'self'"]);

  @Get()
  page(@Req() request: Request, @Res() response: Response): void {
    this.files.sendPage(response, request.headers.host);
  }

  @Get('assets/:name')
  asset(@Param('name') name: string, @Res() response: Response): void {
    this.files.sendAsset(response, name);
  }
}
