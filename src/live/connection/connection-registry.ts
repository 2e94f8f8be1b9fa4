/** Who is connected to this node: a user's devices. No name in here comes from a device unchecked. */
export class ConnectionRegistry<C extends { readonly userId: string; readonly deviceId: string }> {
  private readonly rooms = new Map<string, C[]>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get userCount(): number {
    return this.rooms.size;
  }

  users(): IterableIterator<string> {
    return this.rooms.keys();
  }

  of(userId: string): readonly C[] {
    return this.rooms.get(userId) ?? [];
  }

  add(connection: C): void {
    const room = this.rooms.get(connection.userId);
    if (room) room.push(connection);
    else this.rooms.set(connection.userId, [connection]);
    this.count += 1;
  }

  /** Removes this very connection, never another one of the same device. */
  remove(connection: C): void {
    const room = this.rooms.get(connection.userId);
    const index = room?.indexOf(connection) ?? -1;
    if (!room || index < 0) return;
    room.splice(index, 1);
    if (room.length === 0) this.rooms.delete(connection.userId);
    this.count -= 1;
  }

  *all(): Generator<C> {
    for (const room of this.rooms.values()) yield* room;
  }
}
