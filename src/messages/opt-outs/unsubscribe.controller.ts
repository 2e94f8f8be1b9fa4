import { Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Operation } from '../../platform/http/docs/operation.js';
import { type UnsubscribeQuery, unsubscribeQuery } from '../messages.schema.js';
import { UnsubscribeLinksService } from './unsubscribe-links.service.js';

/** Where the links in mails lead. */
@ApiTags('processors')
@Controller('v1/webhooks/unsubscribe')
export class UnsubscribeController {
  constructor(private readonly links: UnsubscribeLinksService) {}

  /** Shows a button. Programs that look at every link of a mail must not unsubscribe by that. */
  @Get()
  @Operation({
    id: 'showUnsubscribe',
    summary: 'Ask whether to unsubscribe',
    problems: ['signature_invalid'],
  })
  @ApiProduces('text/html')
  @ApiResponse({ status: 200, description: 'A page with a button', schema: { type: 'string' } })
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  )
  @Header('Cache-Control', 'no-store')
  @Header('Referrer-Policy', 'no-referrer')
  show(@Query({ schema: unsubscribeQuery }) { token }: UnsubscribeQuery): string {
    this.links.check(token);
    return page('<form method="post"><button>Unsubscribe / Abmelden</button></form>');
  }

  /** One click (RFC 8058), of a mail program or on the page. */
  @Post()
  @Operation({
    id: 'unsubscribeMail',
    summary: 'Unsubscribe by the link of a mail',
    problems: ['signature_invalid'],
  })
  @HttpCode(200)
  @ApiProduces('text/html')
  @ApiResponse({ status: 200, description: 'It is done', schema: { type: 'string' } })
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  async unsubscribe(@Query({ schema: unsubscribeQuery }) { token }: UnsubscribeQuery): Promise<string> {
    await this.links.unsubscribe(token);
    return page('<p>You are unsubscribed. / Du bist abgemeldet.</p>');
  }
}

const page = (content: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>Unsubscribe</title><body style="font:18px system-ui;margin:15vh auto;max-width:30em;text-align:center">${content}</body></html>\n`;
