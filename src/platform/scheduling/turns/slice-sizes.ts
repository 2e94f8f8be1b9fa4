/** How much of each campaign or digest one transaction does: half as much after one that took too long, and then a little more with each that did not. */
export class SliceSizes {
  private readonly smaller = new Map<string, number>();

  /** `most`: as long as nothing took too long. */
  constructor(private readonly most: number) {}

  /** Returns how much the next slice may do; at least 1. */
  of(name: string): number {
    return this.smaller.get(name) ?? this.most;
  }

  /** A slice of so much took too long. */
  shrink(name: string, size: number): void {
    this.smaller.set(name, Math.max(1, Math.floor(size / 2)));
  }

  /** A slice did not take too long. */
  grow(name: string): void {
    const size = this.of(name) + 1;
    if (size < this.most) this.smaller.set(name, size);
    else this.smaller.delete(name);
  }
}
