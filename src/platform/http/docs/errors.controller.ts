import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { errorsPage } from './errors-page.js';

/** Serves the page that the `type` of an error leads to, unless DOCS_URL names another place. */
@ApiExcludeController()
@Controller('docs/errors')
export class ErrorsController {
  private readonly page = errorsPage();

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=3600')
  @Header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
  read(): string {
    return this.page;
  }
}
