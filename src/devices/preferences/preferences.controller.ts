import { Body, Controller, Get, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../../platform/auth/user-tokens/user.guard.js';
import { PreferenceStore } from './preference.store.js';
import { withDefaults } from './preferences.js';
import { type Preferences, preferencesAnswer, preferencesBody } from './preferences.schema.js';
import { Operation } from '../../platform/http/docs/operation.js';

/** What the user wants to be pushed. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me/preferences')
@UseGuards(UserGuard)
export class PreferencesController {
  constructor(private readonly store: PreferenceStore) {}

  /** The preferences that apply: those that were set, and the defaults for the rest. */
  @Get()
  @Operation({ id: 'getPreferences', summary: 'Read which events are pushed, and when' })
  @ApiResponse({ status: 200, standardSchema: preferencesAnswer })
  async get(@CurrentUser() userId: string): Promise<Preferences> {
    return withDefaults(await this.store.get(userId));
  }

  /** Replaces the preferences; what is left out has its default again. Critical events are always pushed. */
  @Put()
  @Operation({
    id: 'putPreferences',
    summary: 'Choose which events are pushed, and when',
    description: 'Replaces everything; what is left out gets its default. Critical events are always pushed.',
  })
  @ApiResponse({ status: 200, standardSchema: preferencesAnswer })
  async put(
    @CurrentUser() userId: string,
    @Body({ schema: preferencesBody }) body: Preferences,
  ): Promise<Preferences> {
    await this.store.put(userId, body);
    return withDefaults(body);
  }
}
