import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Controller, Get, Header, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Problem } from '../platform/http/problem.js';
import { pageHeaders } from './page-headers.js';
import { KnownHostGuard } from './known-host.guard.js';

/** Beside `dist/`, where `npm start` builds it. */
const PAGE_DIR = fileURLToPath(new URL('../../clients/demo/dist/', import.meta.url));
/** Vite puts a hash of the content into each asset's name. */
const ASSET = /^[\w.-]+$/;

/** Serves the page as Vite built it. Without the demo `/` is a 404. */
@ApiExcludeController()
@Controller()
@UseGuards(KnownHostGuard)
export class PageController {
  @Get()
  @Header('Cache-Control', 'no-cache')
  page(@Req() request: Request, @Res() response: Response): void {
    response.set(pageHeaders(request.headers.host));
    sendPageFile(response, 'index.html');
  }

  @Get('assets/:name')
  @Header('Cache-Control', 'public, max-age=31536000, immutable')
  asset(@Param('name') name: string, @Res() response: Response): void {
    if (!ASSET.test(name)) throw new Problem('not_found');
    response.set('X-Content-Type-Options', 'nosniff');
    sendPageFile(response, `assets/${name}`);
  }
}

function sendPageFile(response: Response, file: string): void {
  if (!existsSync(PAGE_DIR + file)) {
    response.removeHeader('Cache-Control');
    throw new Problem(
      'not_found',
      file === 'index.html' ? 'The page is not built: `npm start` builds it.' : undefined,
    );
  }
  response.sendFile(file, { root: PAGE_DIR, cacheControl: false });
}
