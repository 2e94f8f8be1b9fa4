import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether this node takes new work: from the end of boot until SIGTERM. */
@Injectable()
export class LifecycleService implements OnModuleDestroy {
  private state: 'booting' | 'open' | 'draining' = 'booting';

  get accepting(): boolean {
    return this.state === 'open';
  }

  /** Devices that come now would be sent away at once. */
  get draining(): boolean {
    return this.state === 'draining';
  }

  booted(): void {
    this.state = 'open';
  }

  /** The first of Nest's hooks at SIGTERM: load balancers learn it before the drain begins. */
  onModuleDestroy(): void {
    this.state = 'draining';
  }
}
