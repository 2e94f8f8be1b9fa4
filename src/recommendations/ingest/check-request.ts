import type { SplitterState } from '../../platform/http/body/lines.js';
import type { CheckedPiece } from './line-checker.js';

/** What the thread is asked. Only `check` and `end` have a response, and a file has one of them under way at most. */
export type CheckRequest = { readonly file: number } & (
  | { readonly act: 'open'; readonly state: SplitterState }
  | { readonly act: 'check'; readonly piece: Uint8Array }
  | { readonly act: 'end' }
  | { readonly act: 'close' }
);

/** What a piece of the file, or its end, came to. */
export interface CheckResponse {
  readonly file: number;
  readonly piece: CheckedPiece;
}
