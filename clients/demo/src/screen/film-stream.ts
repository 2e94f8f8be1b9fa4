import { RequestError, type Session } from '../session.js';

/** Where a stream of this device is. `bytes`: received so far. */
export type FilmStreamState =
  | { readonly is: 'idle' }
  | { readonly is: 'asking' }
  | {
      readonly is: 'flowing';
      readonly streamId: string;
      /** Which of the plan's slots it has, from 1; 0 while that is not known. */
      readonly slot: number;
      readonly slots: number;
      readonly leaseSeconds: number;
      readonly bytes: number;
    }
  | { readonly is: 'stopped'; readonly reason: string; readonly bytes: number }
  | { readonly is: 'refused'; readonly message: string };

export interface FilmStreamOptions {
  readonly session: Session;
  readonly deviceId: string;
  readonly onChange: () => void;
  /** The edge node stopped it, or it broke off. `ended`: another device goes on with the film. */
  readonly onStopped: (reason: string) => void;
}

/** A line of the film: see src/demo/edge/film.sender.ts. */
interface FilmLine {
  readonly streamId?: string;
  readonly slot?: number;
  readonly slots?: number;
  readonly leaseSeconds?: number;
  readonly stopped?: string;
}

/** Receives the film from the edge node: real bytes, for as long as the lease is renewed and Usher does not stop it. */
export class FilmStream {
  state: FilmStreamState = { is: 'idle' };
  private controller: AbortController | undefined;

  constructor(private readonly options: FilmStreamOptions) {}

  /** The id of the stream while it flows. */
  get streamId(): string | undefined {
    return this.state.is === 'flowing' ? this.state.streamId : undefined;
  }

  /** Asks the edge node for the film. Resolves to whether its first bytes came; false also when it was closed meanwhile. */
  async open(titleId: string): Promise<boolean> {
    this.close();
    const controller = new AbortController();
    this.controller = controller;
    this.setState({ is: 'asking' });
    try {
      const { session, deviceId } = this.options;
      const response = await session.openBackEnd('/dev/edge/film', { deviceId, titleId }, controller.signal);
      const lines = new FilmReader(response);
      if (!this.receive(await lines.read(), lines.bytes, controller)) return false;
      void this.follow(lines, controller);
      return true;
    } catch (error) {
      if (this.controller === controller) this.setState({ is: 'refused', message: toMessage(error) });
      return false;
    }
  }

  /** Hangs up, which frees the slot. Idempotent. */
  close(): void {
    this.controller?.abort();
    this.controller = undefined;
    if (this.state.is !== 'idle') this.setState({ is: 'idle' });
  }

  private async follow(lines: FilmReader, controller: AbortController): Promise<void> {
    const next = () => lines.read().catch((): FilmLine => ({ stopped: 'unreachable' }));
    while (this.receive(await next(), lines.bytes, controller));
  }

  /** Returns whether more may follow. */
  private receive(line: FilmLine, bytes: number, controller: AbortController): boolean {
    if (this.controller !== controller) return false;
    const { streamId, slot = 0, slots = 0, leaseSeconds = 0, stopped } = line;
    if (streamId !== undefined && stopped === undefined) {
      this.setState({ is: 'flowing', streamId, slot, slots, leaseSeconds, bytes });
      return true;
    }
    this.controller = undefined;
    const reason = stopped ?? 'unreachable';
    this.setState({ is: 'stopped', reason, bytes });
    this.options.onStopped(reason);
    return false;
  }

  private setState(state: FilmStreamState): void {
    this.state = state;
    this.options.onChange();
  }
}

/** Reads the film line by line. A line has some 16 KiB. */
class FilmReader {
  bytes = 0;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private readonly decoder = new TextDecoder();
  private rest = '';

  constructor(response: Response) {
    this.reader = response.body?.getReader();
  }

  /** Returns the newest line that is complete; `unreachable` if the film breaks off. Throws when the connection breaks. */
  async read(): Promise<FilmLine> {
    for (;;) {
      const { value } = (await this.reader?.read()) ?? {};
      if (value === undefined) return { stopped: 'unreachable' };
      this.bytes += value.byteLength;
      const lines = (this.rest + this.decoder.decode(value, { stream: true })).split('\n');
      this.rest = lines.pop() ?? '';
      const newest = lines.at(-1);
      if (newest !== undefined) return JSON.parse(newest) as FilmLine;
    }
  }
}

function toMessage(error: unknown): string {
  return error instanceof RequestError ? error.message : 'The edge node cannot be reached.';
}
