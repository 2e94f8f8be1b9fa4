import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether this node takes new work, which it does from the end of boot until SIGTERM. */
@Injectable()
export class LifecycleService implements OnModuleDestroy {
  private state: 'booting' | 'accepting' | 'draining' = 'booting';

  /** Where in its life this node is. */
  get phase(): 'booting' | 'accepting' | 'draining' {
    return this.state;
  }

  /** True while the node takes new work; /health/ready reports it. */
  get accepting(): boolean {
    return this.state === 'accepting';
  }

  /** True from SIGTERM on: devices that connect now would have to leave at once. */
  get draining(): boolean {
    return this.state === 'draining';
  }

  /** Called once, when the node listens, and the other processes of PROCESSES do too. */
  booted(): void {
    if (this.state === 'booting') this.state = 'accepting';
  }

  /** Nest's first hook at SIGTERM, so that load balancers stop sending traffic before the drain begins. */
  onModuleDestroy(): void {
    this.state = 'draining';
  }
}
