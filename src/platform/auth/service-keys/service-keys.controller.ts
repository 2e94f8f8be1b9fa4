import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../audit/audited.decorator.js';
import { Idempotent } from '../../http/idempotency/idempotency.interceptor.js';
import { Problem } from '../../http/problem.js';
import {
  createdServiceKey,
  describedServiceKey,
  newServiceKeyBody,
  type NewServiceKeyBody,
  serviceKeyList,
  type ServiceKeysQuery,
  serviceKeysQuery,
} from './service-keys.schema.js';
import { NeedsScope } from './service-key.guard.js';
import { ServiceKeysService } from './service-keys.service.js';
import { Operation } from '../../http/docs/operation.js';

/** Making and revoking service keys, for administrators. */
@ApiTags('operations')
@Controller('v1/keys')
@NeedsScope('admin')
export class ServiceKeysController {
  constructor(private readonly keys: ServiceKeysService) {}

  @Post()
  @Operation({
    id: 'createServiceKey',
    summary: 'Create a service key',
    description: 'The key is shown once, in the response.',
  })
  @Idempotent()
  @Audited()
  @ApiResponse({
    status: 201,
    description: 'The key is shown once, here.',
    standardSchema: createdServiceKey,
  })
  create(
    @Body({ schema: newServiceKeyBody }) body: NewServiceKeyBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.keys.create(body, by);
  }

  /** Lists the keys, revoked and expired ones too, the newest first; never the secrets. */
  @Get()
  @Operation({ id: 'listServiceKeys', summary: 'List the service keys' })
  @ApiResponse({ status: 200, standardSchema: serviceKeyList })
  list(@Query({ schema: serviceKeysQuery }) query: ServiceKeysQuery) {
    return this.keys.list(query);
  }

  /** What a key is for, when it was used last and when it ends; never the secret. */
  @Get(':id')
  @Operation({ id: 'getServiceKey', summary: 'Read a service key', problems: ['not_found'] })
  @ApiParam({
    name: 'id',
    description: 'The id of the key, which is part of it: `usk_<id>_…`',
    example: '0123456789abcdef',
  })
  @ApiResponse({ status: 200, standardSchema: describedServiceKey })
  get(@Param('id') id: string) {
    return this.keys.describe(id);
  }

  @Delete(':id')
  @Operation({
    id: 'revokeServiceKey',
    summary: 'Revoke a service key',
    description: 'Every node refuses it within two seconds.',
    problems: ['not_found'],
  })
  @ApiParam({
    name: 'id',
    description: 'The id of the key, which is part of it: `usk_<id>_…`',
    example: '0123456789abcdef',
  })
  @HttpCode(204)
  @Audited()
  async revoke(@Param('id') id: string, @CurrentAuditContext() by: AuditContext): Promise<void> {
    if (!(await this.keys.revoke(id, by)))
      throw new Problem('not_found', 'There is no such key, or it was revoked before.');
  }
}
