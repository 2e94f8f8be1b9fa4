/*
 * The thread that checks the lines of large nightly files: CheckThreadSender starts and ends it, and asks it by CheckRequest. Nothing of a file is
 * kept but the batch that it is in.
 */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { LineChecker, MAX_BATCH_BYTES } from './line-checker.js';
import { memoryOf } from './page-columns.js';

// The sockets' thread goes first where cores are short. Only Linux has priorities of threads: elsewhere it would be that of the process. A process
// that was started with a lower one keeps it: to raise it is forbidden, and the thread would end at once, with each large file.
const { PRIORITY_BELOW_NORMAL } = constants.priority;
if (process.platform === 'linux' && getPriority() < PRIORITY_BELOW_NORMAL) setPriority(PRIORITY_BELOW_NORMAL);

/** Text in the unfinished batches of all files together: parsed it takes two to three times as much of the thread's memory, which is limited. */
const MAX_BYTES = 4 * MAX_BATCH_BYTES;

const files = new Map();
const maxBatchBytes = () => Math.min(MAX_BATCH_BYTES, MAX_BYTES / files.size);

parentPort.on('message', ({ act, file, state, piece }) => {
  if (act === 'open') files.set(file, new LineChecker(state));
  else if (act === 'close') files.delete(file);
  else respond(file, act === 'check' ? files.get(file).check(piece, maxBatchBytes()) : files.get(file).end());
});

function respond(file, piece) {
  parentPort.postMessage({ file, piece }, piece.batches.flat().flatMap(memoryOf));
}
