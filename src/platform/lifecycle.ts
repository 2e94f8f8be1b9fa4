import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';

/** Whether this node takes new work: from the end of boot until SIGTERM. */
@Injectable()
export class Lifecycle implements BeforeApplicationShutdown {
  private open = false;

  get accepting(): boolean {
    return this.open;
  }

  booted(): void {
    this.open = true;
  }

  beforeApplicationShutdown(): void {
    this.open = false;
  }
}
