/*
 * The thread that checks the lines of large nightly files: ThreadChecker starts and ends it, and asks it by CheckRequest. Nothing of a file is
 * kept but the batch that it is in.
 */
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { CheckRequest, CheckResponse } from './check-request.js';
import { type CheckedPiece, LineChecker } from './line-checker.js';
import { memoryOf } from './page-columns.js';

// The sockets' thread goes first where cores are short. Only Linux has priorities of threads: elsewhere it would be that of the process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

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
