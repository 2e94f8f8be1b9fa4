import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import type { Processor } from './processor.js';

/** The processors that this build knows (membership.module.ts). */
export const PROCESSORS = Symbol('PROCESSORS');

@Injectable()
export class ProcessorRegistryService {
  private readonly byName: ReadonlyMap<string, Processor>;

  constructor(@Inject(PROCESSORS) processors: readonly Processor[]) {
    this.byName = new Map(processors.map((processor) => [processor.name, processor]));
  }

  /** Throws Problem not_found. */
  get(name: string): Processor {
    const processor = this.find(name);
    if (!processor) throw new Problem('not_found', `There is no processor "${name}".`);
    return processor;
  }

  find(name: string): Processor | undefined {
    return this.byName.get(name);
  }

  all(): Processor[] {
    return [...this.byName.values()];
  }
}
