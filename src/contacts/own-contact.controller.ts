import { Body, Controller, Delete, Get, HttpCode, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../platform/auth/user-tokens/user.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { contactResponse, type OwnContact, ownContact } from './contact.schema.js';
import { ContactsService } from './contacts.service.js';

/** Where texts and mails for the user go. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/contact')
@UseGuards(UserGuard)
export class OwnContactController {
  constructor(private readonly contacts: ContactsService) {}

  @Get()
  @Operation({
    id: 'getOwnContact',
    summary: 'Read where your texts and mails go',
    problems: ['not_found', 'not_configured'],
  })
  @ApiResponse({ status: 200, standardSchema: contactResponse })
  get(@CurrentUser() userId: string) {
    return this.contacts.get(userId);
  }

  @Put()
  @Operation({
    id: 'putOwnContact',
    summary: 'Set where your texts and mails go',
    description:
      'What is left out is removed. An address that is another one than before gets messages once your service has verified it.',
    problems: ['not_configured'],
  })
  @ApiResponse({ status: 200, standardSchema: contactResponse })
  put(@CurrentUser() userId: string, @Body({ schema: ownContact }) body: OwnContact) {
    return this.contacts.putOwn(userId, body);
  }

  @Delete()
  @Operation({
    id: 'removeOwnContact',
    summary: 'Remove where your texts and mails go',
    problems: ['not_found'],
  })
  @HttpCode(204)
  async remove(@CurrentUser() userId: string): Promise<void> {
    await this.contacts.removeOwn(userId);
  }
}
