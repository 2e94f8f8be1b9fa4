/// A result that arrives later. The first one counts.
@UsherActor
final class Deferred<Value: Sendable> {
    private var result: Result<Value, any Error>?
    private var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
    private var nextId = 0

    nonisolated init() {}

    func complete(_ result: Result<Value, any Error>) {
        guard self.result == nil else { return }
        self.result = result
        for continuation in waiting.values { continuation.resume(with: result) }
        waiting = [:]
    }

    func succeed(_ value: Value) { complete(.success(value)) }

    func fail(_ error: any Error) { complete(.failure(error)) }

    /// Waits for the result. Throws `CancellationError` if the task is cancelled first.
    func value() async throws -> Value {
        let id = nextId
        nextId += 1
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if let result {
                    continuation.resume(with: result)
                } else if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting[id] = continuation
                }
            }
        } onCancel: {
            Task { @UsherActor in self.waiting.removeValue(forKey: id)?.resume(throwing: CancellationError()) }
        }
    }

    /// The same, with a deadline: after it the result is this error.
    func value(within ms: Int, on clock: any UsherClock, else error: UsherError) async throws -> Value {
        let timer = Task {
            try await clock.sleep(ms: ms)
            fail(error)
        }
        defer { timer.cancel() }
        return try await value()
    }
}

/// Runs code of the app, which may be slow or hang. Throws what it throws, or `error` after the deadline: it is cancelled then, and not waited
/// for. It is cancelled with the caller, too.
@UsherActor
func runWithTimeout<Value: Sendable>(
    within ms: Int, on clock: any UsherClock, else error: UsherError, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let result = Deferred<Value>()
    let work = Task {
        do { result.succeed(try await operation()) } catch { result.fail(error) }
    }
    defer { work.cancel() }
    return try await result.value(within: ms, on: clock, else: error)
}
