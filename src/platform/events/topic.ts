/**
 * A kind of notification on the event bus, with the type of its payload. Each topic is a constant, declared once, in the folder
 * that publishes it.
 */
export class Topic<Payload> {
  /** Exists for the type checker only; there is no such field at run time. */
  declare readonly payload: Payload;

  /** `name` appears in logs. */
  constructor(readonly name: string) {}
}
