// The public API of the package. Everything that is not exported here may change without notice.
export { connect } from './usher.js';
export { subscribeToPush } from './push.js';
export { connectShared, type SharedOptions } from './shared.js';
export type { Signals, UsherClient, UsherClient as Usher } from './client.js';
export type { DeviceUpdate, TokenAddress, WebPushAddress } from './device-update.js';
export { UsherError } from './errors.js';
export type * from './events.js';
export type { Beat, BeatAnswer } from './heartbeat.js';
export type { Envelope, EventOf, Tier } from './envelope.js';
export type { Unsubscribe } from './event-emitter.js';
export type { ConnectOptions } from './options.js';
export type { PositionStorage } from './position-store.js';
export type { Position } from './cursor.js';
export type { Connection } from './reconnecting-socket.js';
export type { Receipt } from './receipt.js';
export type { State, UserState } from './state.js';
export type { TokenSource } from './token.js';
