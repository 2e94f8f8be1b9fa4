// The package's door: what an app may lean on. Everything else may change.
export { connect, type Receipt, type Signals, type Usher } from './usher.js';
export { UsherError } from './errors.js';
export type * from './events.js';
export type { Beat, BeatAnswer } from './beat.js';
export type { Envelope, Tier } from './envelope.js';
export type { Unsubscribe } from './listeners.js';
export type { Mirror } from './mirror.js';
export type { ConnectOptions } from './options.js';
export type { PositionStorage } from './position.js';
export type { Position } from './sequence.js';
export type { Connection } from './session.js';
export type { State } from './state.js';
export type { TokenSource } from './token.js';
