import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../platform/auth/user-tokens/user.guard.js';
import { Problem } from '../platform/http/problem.js';
import { entriesAnswer, type EntriesQuery, entriesQuery } from './events/publish.schema.js';
import { MailboxStore } from './mailbox.store.js';
import { stateResponse } from './state/state.schema.js';
import { StateStore } from './state/state.store.js';
import { Operation } from '../platform/http/docs/operation.js';

/** What an app reads over HTTP: the user's state, and the durable events. */
@ApiTags('apps')
@ApiBearerAuth('user token')
@Controller('v1/me')
@UseGuards(UserGuard)
export class MailboxController {
  constructor(
    private readonly store: MailboxStore,
    private readonly states: StateStore,
  ) {}

  /** Everything a screen needs, read in one snapshot. If `hasMore`, the other entries follow `position` in GET /v1/me/entries. */
  @Get('state')
  @Operation({
    id: 'getState',
    summary: 'Read everything that a screen needs',
    description: 'At one instant. With `hasMore` the other entries follow `position` in GET /v1/me/entries.',
  })
  @ApiResponse({ status: 200, standardSchema: stateResponse })
  async state(@CurrentUser() userId: string) {
    const [read] = await this.states.read([userId], 'important');
    return read?.state;
  }

  /** One page of the durable events after a position, in offset order, the newest of each key. Throws Problem position_lost. */
  @Get('entries')
  @Operation({
    id: 'listEntries',
    summary: 'Read durable events after an offset',
    description: 'In order, the newest of each key.',
    problems: ['position_lost'],
  })
  @ApiResponse({ status: 200, standardSchema: entriesAnswer })
  async entries(@CurrentUser() userId: string, @Query({ schema: entriesQuery }) query: EntriesQuery) {
    const { head, isLost, hasMore, entries } = await this.store.readPage(userId, query.after, query.limit);
    if (isLost || (query.epoch !== undefined && query.epoch !== head.epoch))
      throw new Problem('position_lost');
    const last = entries.at(-1)?.offset;
    return { position: { epoch: head.epoch, offset: (hasMore && last) || head.offset }, hasMore, entries };
  }
}
