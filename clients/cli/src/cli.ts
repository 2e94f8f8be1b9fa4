import { randomUUID } from 'node:crypto';
import { UsherApi } from './api/usher-api.js';
import { Output } from './output/output.js';
import { Profiles } from './settings/profiles.js';
import { type GlobalOptions, Settings } from './settings/settings.js';
import type { Terminal } from './terminal.js';

/** What a command works with. Made once the command line is read. */
export class Cli {
  readonly output: Output;
  private known: Settings | undefined;

  constructor(
    readonly terminal: Terminal,
    private readonly options: GlobalOptions,
  ) {
    this.output = new Output(terminal, options.json === true);
  }

  /** Read when they are first needed, so that `profile` works where they are wrong. Throws UsageFailure. */
  get settings(): Settings {
    return (this.known ??= Settings.read(this.options, this.terminal));
  }

  get profiles(): Profiles {
    return new Profiles(this.terminal);
  }

  /** The API with the service key. Throws UsageFailure without one. */
  get api(): UsherApi {
    return this.apiUntil(this.terminal.signal);
  }

  /** The same for a command that has calls to make after Ctrl-C. */
  apiUntil(signal: AbortSignal): UsherApi {
    const key = this.settings.need('USHER_SERVICE_KEY', 'a service key');
    return new UsherApi(this.settings.url, key, signal, this.options.reason);
  }

  /** The API without credentials: webhooks are signed instead, and health is for all. */
  get openApi(): UsherApi {
    return this.openApiUntil(this.terminal.signal);
  }

  /** The same for a command that has calls to make after Ctrl-C. */
  openApiUntil(signal: AbortSignal): UsherApi {
    return new UsherApi(this.settings.url, undefined, signal);
  }
}

/** Returns the header with which a call that is repeated has one effect. */
export const idempotencyKey = (given: string | undefined): Record<string, string> => ({
  'idempotency-key': given ?? randomUUID(),
});
