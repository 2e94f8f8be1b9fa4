import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { MailboxStore } from './mailbox.store.js';

const EVERY_MS = 30_000;
const AT_ONCE = 1_000;
/** Bounds a turn; what is left waits for the next one. Readers never see expired events, removed or not. */
const MAX_ROUNDS = 50;

/** Removes expired events. Any number of workers may do it at once. */
@Injectable()
export class MailboxExpiry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('mailbox');
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.turn(),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly store: MailboxStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async turn(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if ((await this.store.expire(AT_ONCE)) < AT_ONCE) return;
    }
  }
}
