/*
 * The thread that checks the lines of large nightly files: check-thread.service.ts starts and ends it, and its protocol is CheckRequest there. Nothing that
 * runs here may hold up a socket, and nothing of a file is kept but the batch that it is in.
 */
import { parentPort } from 'node:worker_threads';
import type { CheckRequest, CheckResponse } from './check-request.js';
import { type CheckedPiece, LineChecker } from './line-checker.js';
import { memoryOf } from './page-columns.js';

const files = new Map<number, LineChecker>();

parentPort?.on('message', (request: CheckRequest) => {
  const { file } = request;
  if (request.act === 'open') files.set(file, new LineChecker(request.state));
  else if (request.act === 'close') files.delete(file);
  else respond(file, checked(request));
});

function checked(request: Extract<CheckRequest, { act: 'check' | 'end' }>): CheckedPiece {
  const checker = files.get(request.file);
  if (!checker) throw new Error('The file is not open');
  return request.act === 'check' ? checker.check(request.piece) : checker.end();
}

function respond(file: number, piece: CheckedPiece): void {
  const response: CheckResponse = { file, piece };
  parentPort?.postMessage(response, piece.batches.flat().flatMap(memoryOf));
}
