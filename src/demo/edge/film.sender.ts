import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeStream } from '@usher/edge';
import type { Response } from 'express';
import type { SlotOfPlan } from './pretend-edge.service.js';

/** 16 KiB every 200 ms are 0.65 Mbit/s: enough to see them flow, and little for a laptop. */
const FILM = 'film'.repeat(4 * 1_024);
const FRAME_INTERVAL_MS = 200;
/** The slot is read with every so many frames, which is once a second. */
const FRAMES_PER_SLOT_READING = 5;

/**
 * Sends the film as lines of JSON until the viewer closes the response or the stream must stop: `{ streamId, slot, slots,
 * leaseSeconds, film }`, and at last `{ stopped: <reason> }`. The stream ends with the response, which frees its slot. Resolves after that.
 */
export async function sendFilm(
  response: Response,
  stream: EdgeStream,
  readSlot: () => Promise<SlotOfPlan>,
): Promise<void> {
  const { signal, streamId } = stream;
  if (response.destroyed) return stream.end();
  response.once('close', () => void stream.end());
  response.set({ 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' });
  let slot: SlotOfPlan | undefined;
  for (let frame = 0; !signal.aborted && !response.destroyed; frame += 1) {
    if (frame % FRAMES_PER_SLOT_READING === 0) slot = await readSlot().catch(() => slot);
    if (signal.aborted || response.destroyed) break;
    const leaseSeconds = Math.round(stream.remainingMs / 1_000);
    const isTaken = response.write(`${JSON.stringify({ streamId, ...slot, leaseSeconds, film: FILM })}\n`);
    await Promise.all([pause(signal), isTaken ? undefined : drained(response, signal)]);
  }
  if (!response.destroyed) response.end(`${JSON.stringify({ stopped: String(signal.reason) })}\n`);
}

const pause = (signal: AbortSignal): Promise<void> =>
  sleep(FRAME_INTERVAL_MS, undefined, { signal }).catch(() => undefined);

/** Resolves when the viewer has taken what was sent, has left, or the stream must stop. */
const drained = (response: Response, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
