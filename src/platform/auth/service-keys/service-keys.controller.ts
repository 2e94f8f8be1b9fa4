import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { Idempotent } from '../../http/idempotency/idempotency.interceptor.js';
import { Problem } from '../../http/problem.js';
import { createdServiceKey, newServiceKeyBody, type NewServiceKeyBody } from './service-keys.schema.js';
import { NeedsScope } from './service-key.guard.js';
import { ServiceKeysService } from './service-keys.service.js';

/** Making and revoking service keys, for administrators. */
@ApiTags('operations')
@Controller('v1/keys')
@NeedsScope('admin')
export class ServiceKeysController {
  constructor(private readonly keys: ServiceKeysService) {}

  @Post()
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
  @HttpCode(204)
  async revoke(@Param('id') id: string): Promise<void> {
    if (!(await this.keys.revoke(id)))
      throw new Problem('not_found', 'There is no such key, or it was revoked before.');
  }
}
