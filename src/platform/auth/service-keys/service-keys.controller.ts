import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Idempotent } from '../../http/idempotency/idempotency.interceptor.js';
import { Problem } from '../../http/problem.js';
import { createdServiceKey, newServiceKeyBody, type NewServiceKeyBody } from './service-keys.schema.js';
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
  @ApiResponse({
    status: 201,
    description: 'The key is shown once, here.',
    standardSchema: createdServiceKey,
  })
  create(@Body({ schema: newServiceKeyBody }) body: NewServiceKeyBody) {
    return this.keys.create(body.name, [...new Set(body.scopes)]);
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
  async revoke(@Param('id') id: string): Promise<void> {
    if (!(await this.keys.revoke(id)))
      throw new Problem('not_found', 'There is no such key, or it was revoked before.');
  }
}
