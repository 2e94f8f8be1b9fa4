/** Waits until `look` neither throws nor says false; fails with its last complaint after the deadline. */
export async function eventually<Found>(look: () => Found, withinMs = 8_000): Promise<Found> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      const found = look();
      if (found !== false) return found;
      if (Date.now() > deadline) throw new Error(`never came true: ${look.toString()}`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
