import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { contactResponse, type NewContact, newContact } from './contact.schema.js';
import { ContactsService } from './contacts.service.js';

/** Where texts and mails for a user go, for back offices. */
@ApiTags('back offices')
@Controller('v1/users/:userId/contact')
@NeedsScope('admin')
export class ContactsController {
  constructor(private readonly contacts: ContactsService) {}

  @Get()
  @Operation({
    id: 'getContact',
    summary: 'Read where texts and mails for a user go',
    problems: ['not_found', 'not_configured'],
  })
  @ApiResponse({ status: 200, standardSchema: contactResponse })
  get(@Param('userId', { schema: userIdSchema }) userId: string) {
    return this.contacts.get(userId);
  }

  @Put()
  @Operation({
    id: 'putContact',
    summary: 'Set where texts and mails for a user go',
    description:
      'What is left out is removed. Several users may have the same address. Only verified addresses get messages.',
    problems: ['not_configured'],
  })
  @Audited()
  @ApiResponse({ status: 200, standardSchema: contactResponse })
  put(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: newContact }) body: NewContact,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.contacts.put(userId, body, by);
  }

  @Delete()
  @Operation({
    id: 'removeContact',
    summary: 'Remove where texts and mails for a user go',
    problems: ['not_found', 'not_configured'],
  })
  @Audited()
  @HttpCode(204)
  async remove(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.contacts.remove(userId, by);
  }
}
