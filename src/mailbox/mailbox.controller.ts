import { Controller, Get, Header, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, UserGuard } from '../platform/auth/user-tokens/user.guard.js';
import { Problem } from '../platform/http/problem.js';
import { EVENTS_TO_EVERYONE, type EventsToEveryone } from './events/events-to-everyone.js';
import { entriesAnswer, type EntriesQuery, entriesQuery } from './events/publish.schema.js';
import { MailboxStore } from './mailbox.store.js';
import { stateWithBroadcasts } from './state/state.schema.js';
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
    @Inject(EVENTS_TO_EVERYONE) private readonly toEveryone: EventsToEveryone,
  ) {}

  /** Everything a screen needs, read in one snapshot, and what is said to everyone, which is encoded already. If `hasMore`, the other entries follow `position` in GET /v1/me/entries. */
  @Get('state')
  @Operation({
    id: 'getState',
    summary: 'Read everything that a screen needs',
    description:
      'At one instant, but for `broadcasts`, which may be a second older. With `hasMore` the other entries follow `position` in GET /v1/me/entries.',
  })
  @ApiResponse({ status: 200, standardSchema: stateWithBroadcasts })
  @Header('content-type', 'application/json; charset=utf-8')
  async state(@CurrentUser() userId: string): Promise<string> {
    const broadcasts = this.toEveryone.inForce();
    const [read] = await this.states.read([userId], 'important');
    if (!read) throw new Error('a state is read for each user');
    return `${JSON.stringify(read.state).slice(0, -1)},"broadcasts":${broadcasts}}`;
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
