import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EngagementRecorderService } from '../recording/engagement-recorder.service.js';
import { isMachine, type TrackedRequest } from './machine.js';
import { TrackingLinksService } from './tracking-links.service.js';
import type { TrackedPlace } from './tracking-token.js';

const DAY_MS = 86_400_000;

/** Counts clicks and opens. */
@Injectable()
export class TrackingService {
  private readonly countedMs: number;

  constructor(
    private readonly links: TrackingLinksService,
    private readonly recorder: EngagementRecorderService,
    @Inject(CONFIG) config: Config,
  ) {
    // The last day may be dropped already.
    this.countedMs = (config.ENGAGEMENT_RETENTION_DAYS - 1) * DAY_MS;
  }

  /** Returns where the link leads, and counts the click: once, however often it comes. Undefined for a link that we did not make. */
  follow(token: string, request: TrackedRequest): string | undefined {
    const place = this.links.read(token);
    if (place?.url === undefined) return undefined;
    this.count(place, 'tapped', request);
    return place.url;
  }

  /** Counts that the image was loaded, once. Returns false for one that we did not make. */
  open(token: string, request: TrackedRequest): boolean {
    const place = this.links.read(token);
    if (!place || place.url !== undefined) return false;
    this.count(place, 'opened', request);
    return true;
  }

  /**
   * The day is that of the token, not of the click, so that one is known again however much later it comes; when the events of that day are gone,
   * it is not counted any more. A program often comes before the person, so each of them counts once.
   */
  private count(of: TrackedPlace, kind: string, request: TrackedRequest): void {
    if (Date.now() - Date.parse(of.day) > this.countedMs) return;
    const { messageId, place, url: _url, ...event } = of;
    const byMachine = isMachine(request);
    const id = `link:${messageId}:${place}:${kind}${byMachine ? ':machine' : ''}`;
    this.recorder.recordAndForget({
      ...event,
      id,
      kind,
      at: new Date().toISOString(),
      isMachine: byMachine,
    });
  }
}
