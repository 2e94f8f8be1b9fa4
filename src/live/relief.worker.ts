import { Injectable } from '@nestjs/common';
import { Nodes } from '../delivery/nodes.service.js';
import { Load } from '../platform/load.worker.js';
import { Repeated } from '../platform/repeated.js';
import type { Connection } from './connection.js';
import { LiveChannel } from './live.channel.js';

const EVERY_MS = 1_000;
/** Slower beats come first (overload.ts); what is still strained after this has too many devices. */
const PATIENCE_TURNS = 5;
/** Of its devices, each turn: a node that is relieved in time keeps most of them. */
const SHARE = 0.01;
/** They come back, elsewhere, within this time. */
const RETRY_MIN_MS = 2_000;
const RETRY_SPREAD_MS = 20_000;

/** A node that stays overloaded sends some of its devices to the others, which must not be met by all of them at once. */
@Injectable()
export class Relief extends Repeated {
  private strainedTurns = 0;

  constructor(
    private readonly load: Load,
    private readonly nodes: Nodes,
    private readonly channel: LiveChannel,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected turn(): void {
    this.strainedTurns = this.load.strain === 4 ? this.strainedTurns + 1 : 0;
    // Alone, it would only meet them again, with a handshake each.
    if (this.strainedTurns < PATIENCE_TURNS || !this.nodes.others?.size) return;
    const few = this.firstOf(Math.ceil(this.channel.rooms.size * SHARE));
    for (const connection of few)
      connection.sendAway('overload', RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
    if (few.length > 0) this.log.warn(`overloaded: ${few.length} devices are sent to other nodes`);
  }

  /** Those that are here longest, which would be recycled soon anyway; none that was asked before. */
  private firstOf(count: number): Connection[] {
    const few: Connection[] = [];
    for (const connection of this.channel.rooms.all()) {
      if (few.length >= count) break;
      if (connection.leavesBy === undefined) few.push(connection);
    }
    return few;
  }
}
