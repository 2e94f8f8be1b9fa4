/// Removes a handler, or stops a loop.
public struct UsherSubscription: Sendable {
    private let end: @Sendable () -> Void

    init(_ end: @escaping @Sendable () -> Void) { self.end = end }

    /// Cancelling twice does no harm.
    public func cancel() { end() }
}

/// The app's handlers. One that fails affects neither the others nor the caller.
final class Handlers: Sendable {
    typealias Handle = @Sendable (Envelope) async throws -> Void

    private struct Handler: Sendable {
        let id: Int
        let type: String?
        let handle: Handle
    }

    private struct Registered {
        var all: [Handler] = []
        var lastId = 0
    }

    private let registered = Locked(Registered())

    /// - Parameter type: nil for every type
    func add(_ type: String?, _ handle: @escaping Handle) -> UsherSubscription {
        let id = registered.withLock { registered in
            registered.lastId += 1
            registered.all.append(Handler(id: registered.lastId, type: type, handle: handle))
            return registered.lastId
        }
        return UsherSubscription { [weak self] in self?.registered.withLock { $0.all.removeAll { $0.id == id } } }
    }

    /// Runs the handlers of this event one after the other, and reports what they throw.
    @UsherActor
    func handle(_ event: Envelope, within ms: Int, on clock: any UsherClock, report: (any Error) -> Void) async {
        let error = UsherError(code: "handler_timeout", message: "a handler of \(event.type) took too long", retryable: false)
        for handler in registered.withLock({ $0.all }) where handler.type == nil || handler.type == event.type {
            do {
                try await runWithTimeout(within: ms, on: clock, else: error) { try await handler.handle(event) }
            } catch {
                report(error)
            }
        }
    }
}
