/* A process that does what the runner asks, by messages `{ id, ask, of }`, and answers `{ id, result }` or `{ id, error }`. */
export function serveRequests(asks) {
  process.on('message', ({ id, ask, of }) => {
    Promise.resolve()
      .then(() => asks[ask](of ?? {}))
      .then(
        (result) => process.send({ id, result }),
        (error) => process.send({ id, error: error?.stack ?? String(error) }),
      );
  });
  process.on('disconnect', () => process.exit());
  process.send({ ready: true });
}
