/**
 * Something that may happen in this process, with the type of what its listeners are given. Each topic is a constant, declared
 * once, in the folder that publishes it.
 */
export class Topic<Payload> {
  /** Only a type; there is no such field at run time. */
  declare readonly payload: Payload;

  constructor(readonly name: string) {}
}
