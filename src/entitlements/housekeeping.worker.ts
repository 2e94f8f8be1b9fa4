import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { EdgeNoticeStore } from './edge-notice.store.js';
import { StreamStore } from './stream.store.js';

const EVERY_MS = 60_000;
/** More than ever end in a minute. */
const AT_ONCE = 100_000;

/** Removes streams that ended a day ago and notices that nobody fetched. Any number of workers may do it at once. */
@Injectable()
export class StreamHousekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('streams');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => {
      await this.streams.forget(AT_ONCE);
      await this.notices.expire();
    },
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly streams: StreamStore,
    private readonly notices: EdgeNoticeStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
