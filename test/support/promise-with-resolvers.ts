/** Promise.withResolvers of Node 22. */
export function promiseWithResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onSuccess, onFailure) => ([resolve, reject] = [onSuccess, onFailure]));
  promise.catch(() => undefined);
  return { promise, resolve: (value: T) => resolve(value), reject: (error: Error) => reject(error) };
}
