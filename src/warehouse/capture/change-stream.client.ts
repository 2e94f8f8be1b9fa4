import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { formatLsn, type Lsn, parseLsn } from './lsn.js';
import { TEXT_FORMATS } from './text-formats.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STOP_TIMEOUT_MS = 5_000;

/** Receives the messages in their order, one at a time: the next one waits for the promise. */
export type MessageHandler = (lsn: Lsn, message: Pgoutput.Message) => Promise<void>;

/**
 * The library parses values by their types. Here they stay as PostgreSQL wrote them. This must happen as soon as it has read the columns, since it parses
 * what follows before that is handled.
 */
class TextPlugin extends PgoutputPlugin {
  override parse(buffer: Buffer): Pgoutput.Message {
    const message = super.parse(buffer);
    if (message.tag === 'relation')
      for (const column of message.columns) column.parser = (text: string) => text;
    return message;
  }
}

/** The stream of changes of one slot, by the library pg-logical-replication. For one use. */
export class ChangeStreamClient {
  private readonly service: LogicalReplicationService;
  private handling: Promise<void> = Promise.resolve();
  private isHandling = false;
  private isStopping = false;
  private heardAt = monotonicNow();

  constructor(databaseUrl: string) {
    this.service = new LogicalReplicationService(
      {
        connectionString: databaseUrl,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        application_name: 'usher warehouse stream',
        options: TEXT_FORMATS,
      },
      // By itself the library would confirm what it has received, and a crash would lose what is in no file yet.
      { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
    );
  }

  /** Milliseconds since PostgreSQL last sent something, or 0 while a message is handled. */
  get silentMs(): number {
    return this.isHandling ? 0 : monotonicNow() - this.heardAt;
  }

  /** Reads until `signal` aborts. Rejects when PostgreSQL ends the stream, refuses it, or `handle` rejects. */
  async read(
    from: { readonly slot: string; readonly publication: string },
    handle: MessageHandler,
    signal: AbortSignal,
  ): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    const failed = new Promise<never>((_, reject) => {
      this.service.on('error', reject);
      this.service.on('heartbeat', () => void (this.heardAt = monotonicNow()));
      this.service.on('data', (lsn: string, message: Pgoutput.Message) =>
        this.next(() => handle(parseLsn(lsn), message), reject),
      );
    });
    const plugin = new TextPlugin({
      protoVersion: 1,
      publicationNames: [from.publication],
      messages: true,
    });
    const ended = this.service.subscribe(plugin, from.slot).then(() => {
      throw new Error('PostgreSQL ended the stream of changes');
    });
    failed.catch(() => undefined);
    ended.catch(() => undefined);
    try {
      if (!signal.aborted) await Promise.race([aborted, failed, ended]);
    } finally {
      await this.stop();
    }
  }

  /** Tells PostgreSQL that everything before `lsn` is durable here, and that this reader is alive. */
  async confirm(lsn: Lsn): Promise<void> {
    // The library adds one to what it is given. A commit that begins just at the confirmed place would count as confirmed.
    if (lsn > 0n && !this.isStopping) await this.service.acknowledge(formatLsn(lsn - 1n));
  }

  private async next(handle: () => Promise<void>, fail: (error: unknown) => void): Promise<void> {
    this.heardAt = monotonicNow();
    if (this.isStopping) return;
    this.isHandling = true;
    this.handling = handle()
      .catch((error: unknown) => {
        // Nothing of what follows may be handled: a file would have what is behind a gap.
        this.isStopping = true;
        fail(error);
      })
      .finally(() => void (this.isHandling = false));
    await this.handling;
  }

  /** The message that is being handled ends first: while it is, the library reads nothing, and would not see the connection end. */
  private async stop(): Promise<void> {
    this.isStopping = true;
    await this.handling;
    await new Promise((resolve) => setImmediate(resolve));
    await withTimeout(STOP_TIMEOUT_MS, this.service.destroy()).catch(() => undefined);
  }
}
