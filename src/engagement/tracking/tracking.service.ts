import { Injectable } from '@nestjs/common';
import { ClickRecorderService } from './click-recorder.service.js';
import { isMachine, type TrackedRequest } from './machine.js';
import { TrackingLinksService } from './tracking-links.service.js';
import type { TrackedPlace } from './tracking-token.js';

/** Counts clicks and opens. */
@Injectable()
export class TrackingService {
  constructor(
    private readonly links: TrackingLinksService,
    private readonly recorder: ClickRecorderService,
  ) {}

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

  /** A program often comes before the person, so each of them counts once. */
  private count(of: TrackedPlace, kind: string, request: TrackedRequest): void {
    const { place, url: _url, ...event } = of;
    const byMachine = isMachine(request);
    const id = `link:${event.messageId}:${place}:${kind}${byMachine ? ':machine' : ''}`;
    const at = new Date().toISOString();
    this.recorder.record({ ...event, id, kind, at, isMachine: byMachine });
  }
}
