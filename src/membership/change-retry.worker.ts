import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { ChangeExecution } from './change-execution.service.js';

const EVERY_MS = 1_000;
const AT_ONCE = 20;

/** A change that was accepted is carried out, whatever happened to the node that accepted it, or to the answer. */
@Injectable()
export class ChangeRetry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('membership');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => void (await this.execution.resumeSome(AT_ONCE)),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly execution: ChangeExecution,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
