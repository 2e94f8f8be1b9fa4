import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import type { Processor, ProcessorClient } from './processor.js';

/** Injection token: the instances of the classes in registry.ts, by name. */
export const PROCESSORS_BY_NAME = Symbol('PROCESSORS_BY_NAME');

/** A processor whose API can be called from this installation. */
export interface ProcessorWithApi {
  readonly name: string;
  readonly api: ProcessorClient;
}

/** Finds payment processors by name. registry.ts alone lists which ones there are. */
@Injectable()
export class ProcessorsService {
  constructor(@Inject(PROCESSORS_BY_NAME) private readonly processors: ReadonlyMap<string, Processor>) {}

  /** Throws Problem not_found. */
  get(name: string): Processor {
    const processor = this.processors.get(name);
    if (!processor) throw new Problem('not_found', `There is no processor "${name}".`);
    return processor;
  }

  /** The id by which the processor's webhooks name the customer; as it is when there is no such processor. */
  canonicalCustomerId(name: string, customerId: string): string {
    return this.processors.get(name)?.canonicalCustomerId?.(customerId) ?? customerId;
  }

  /** Undefined when the processor has no API, is not configured here, or is not registered (any more). */
  findWithApi(name: string): ProcessorWithApi | undefined {
    const api = this.processors.get(name)?.api;
    return api && { name, api };
  }

  /** The names of all registered processors, configured or not. */
  names(): string[] {
    return [...this.processors.keys()];
  }

  /** The processors whose API can be called. */
  listWithApi(): ProcessorWithApi[] {
    return [...this.processors].flatMap(([name, { api }]) => (api ? [{ name, api }] : []));
  }
}
