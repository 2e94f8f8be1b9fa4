import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { LinkStore } from './link.store.js';
import { linkList, userList, type UsersQuery, usersQuery } from './links.schema.js';
import { LinksService } from './links.service.js';

/** Which customer of a processor is which user. PlansController makes the links, since webhooks wait for them as they do for plans. */
@ApiTags('back offices')
@Controller('v1/users')
@NeedsScope('read')
export class LinksController {
  constructor(
    private readonly links: LinkStore,
    private readonly service: LinksService,
  ) {}

  /** Finds the users who are a customer of a processor. */
  @Get()
  @ApiResponse({ status: 200, standardSchema: userList })
  async find(@Query({ schema: usersQuery }) { customer }: UsersQuery) {
    return { users: await this.links.findUsers(customer) };
  }

  /** Which customers of processors a user is. */
  @Get(':userId/links')
  @ApiResponse({ status: 200, standardSchema: linkList })
  async list(@Param('userId', { schema: userIdSchema }) userId: string) {
    return { links: await this.links.list(userId) };
  }

  /** Removes a link. Webhooks of a new subscription of the customer wait then; subscriptions that are known stay with the user. */
  @Delete(':userId/links/:processor')
  @NeedsScope('operate')
  @Audited()
  @HttpCode(204)
  remove(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('processor') processor: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    return this.service.remove(userId, processor, by);
  }
}
