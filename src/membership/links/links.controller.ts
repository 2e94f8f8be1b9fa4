import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../../platform/auth/ids.schema.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { LinkStore } from './link.store.js';
import { linkList, userList, type UsersQuery, usersQuery } from './links.schema.js';
import { LinksService } from './links.service.js';
import { Operation } from '../../platform/http/docs/operation.js';

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
  @Operation({ id: 'findUsers', summary: 'Find the user to whom a customer of a processor belongs' })
  @ApiResponse({ status: 200, standardSchema: userList })
  async find(@Query({ schema: usersQuery }) { customer }: UsersQuery) {
    return { users: await this.service.findUsers(customer) };
  }

  /** Which customers of processors a user is. */
  @Get(':userId/links')
  @Operation({ id: 'listLinks', summary: 'List the links of a user' })
  @ApiResponse({ status: 200, standardSchema: linkList })
  async list(@Param('userId', { schema: userIdSchema }) userId: string) {
    return { links: await this.links.list(userId) };
  }

  /** Removes a link. Webhooks of a new subscription of the customer wait then; subscriptions that are known stay with the user. */
  @Delete(':userId/links/:processor')
  @Operation({ id: 'removeLink', summary: 'Remove a link', problems: ['not_found'] })
  @ApiParam({ name: 'processor', description: 'A payment processor', example: 'stripe' })
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
