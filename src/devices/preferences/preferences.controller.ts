import { Body, Controller, Get, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { PreferenceStore } from './preference.store.js';
import { withDefaults } from './preferences.js';
import { type Preferences, preferencesAnswer, preferencesBody } from './preferences.schema.js';

@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/preferences')
@UseGuards(UserGuard)
export class PreferencesController {
  constructor(private readonly store: PreferenceStore) {}

  /** How the user is reached, with the defaults for what was never said. */
  @Get()
  @ApiResponse({ status: 200, standardSchema: preferencesAnswer })
  async get(@CurrentUser() userId: string): Promise<Preferences> {
    return withDefaults(await this.store.get(userId));
  }

  /** Says it anew; what is left out has its default again. Critical events always pass. */
  @Put()
  @ApiResponse({ status: 200, standardSchema: preferencesAnswer })
  async put(
    @CurrentUser() userId: string,
    @Body({ schema: preferencesBody }) body: Preferences,
  ): Promise<Preferences> {
    await this.store.put(userId, body);
    return withDefaults(body);
  }
}
