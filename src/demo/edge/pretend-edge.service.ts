import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Edge, EdgeError, type EdgeStream } from '@usher/edge';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';
import type { FilmBody } from './edge.schema.js';

/** The name of the demo's edge node. */
export const DEMO_EDGE_ID = 'demo-edge';

/** Which of the plan's slots a stream has, from 1, and how many there are. `slot` is 0 once the stream is over. */
export interface SlotOfPlan {
  readonly slot: number;
  readonly slots: number;
}

/** Stands in for a machine that sends video. It uses the edge library, as a real one would. */
@Injectable()
export class PretendEdgeService implements OnModuleDestroy {
  private readonly log = new Logger('demo edge');
  private readonly streams = new Map<string, EdgeStream>();
  private connectedEdge: Edge | undefined;

  constructor(private readonly api: OwnApiClient) {}

  /**
   * Starts a stream. When no slot is free, it takes the slot of a stream of the same title, with which the viewer goes on here, or of the
   * same device, which has just left it. Throws Problem not_entitled, too_many_streams with `streams`, or unavailable.
   */
  async start(film: FilmBody): Promise<EdgeStream> {
    try {
      return await this.startOnce(film);
    } catch (error) {
      const earlier = this.findReplaced(error, film);
      if (!earlier) throw toProblem(error);
      await earlier.end();
      return await this.startOnce(film).catch((again: unknown) => {
        throw toProblem(again);
      });
    }
  }

  /** Reads which slot the stream has. Throws Problem unavailable when the API refuses. */
  async readSlot({ streamId, lease }: EdgeStream): Promise<SlotOfPlan> {
    const path = `/v1/users/${encodeURIComponent(lease.userId)}/streams`;
    const { status, text } = await this.api.sendWithKey({ method: 'GET', path });
    if (status !== 200) throw new Problem('unavailable', `The streams could not be read (${status}).`);
    const { streams } = JSON.parse(text) as { streams: { streamId: string }[] };
    const slot = streams.findIndex((stream) => stream.streamId === streamId) + 1;
    return { slot, slots: Number(lease.capabilities['maxStreams']) };
  }

  async onModuleDestroy(): Promise<void> {
    await this.connectedEdge?.close();
  }

  private async startOnce({ userId, deviceId, titleId }: FilmBody): Promise<EdgeStream> {
    const stream = await this.edge.start({ userId, deviceId, titleId });
    this.streams.set(stream.streamId, stream);
    stream.signal.addEventListener('abort', () => this.streams.delete(stream.streamId), { once: true });
    if (stream.signal.aborted) this.streams.delete(stream.streamId);
    return stream;
  }

  /** It connects with the first stream, because the node listens only after its modules were made. */
  private get edge(): Edge {
    const { origin, serviceKey } = this.api;
    this.connectedEdge ??= new Edge({
      url: origin,
      key: serviceKey,
      edgeId: DEMO_EDGE_ID,
      onError: (action, error) => this.log.debug({ err: error }, action),
    });
    return this.connectedEdge;
  }

  private findReplaced(error: unknown, { titleId, deviceId }: FilmBody): EdgeStream | undefined {
    if (!(error instanceof EdgeError) || error.code !== 'too_many_streams') return undefined;
    const running = error.details['streams'] as readonly RunningStream[];
    const replaced = running.find((stream) => stream.titleId === titleId || stream.deviceId === deviceId);
    return replaced && this.streams.get(replaced.streamId);
  }
}

/** A stream in the details of `too_many_streams`. */
interface RunningStream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly titleId: string;
}

function toProblem(error: unknown): unknown {
  if (!(error instanceof EdgeError)) return error;
  const { code, details } = error;
  if (code === 'too_many_streams') return new Problem(code, undefined, { streams: details['streams'] });
  if (code === 'not_entitled') return new Problem(code);
  return new Problem('unavailable', `The edge node cannot start a stream: ${code}.`);
}
