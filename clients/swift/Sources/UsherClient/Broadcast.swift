/// Passes values to any number of subscribers, each with a bounded stream of its own. Never waits for them.
final class Broadcast<Value: Sendable>: Sendable {
    private struct Subscribers {
        var all: [Int: AsyncStream<Value>.Continuation] = [:]
        var nextId = 0
        var isFinished = false
    }

    private let limit: Int
    private let subscribers = Locked(Subscribers())

    /// - Parameter limit: a subscriber that is so many values behind loses the oldest
    init(limit: Int) { self.limit = limit }

    var hasSubscribers: Bool { subscribers.withLock { !$0.all.isEmpty } }

    /// The values from now on, after `first` if there is one, which is called when no later value can be missed. Ends when the client is closed.
    func subscribe(first: () -> Value? = { nil }) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(limit))
        let id: Int? = subscribers.withLock { subscribers in
            if let first = first() { continuation.yield(first) }
            guard !subscribers.isFinished else { return nil }
            subscribers.nextId += 1
            subscribers.all[subscribers.nextId] = continuation
            return subscribers.nextId
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.subscribers.withLock { _ = $0.all.removeValue(forKey: id) } }
        return stream
    }

    /// Returns how many subscribers lost a value.
    @discardableResult
    func send(_ value: Value) -> Int {
        let all = subscribers.withLock { Array($0.all.values) }
        return all.filter { if case .dropped = $0.yield(value) { true } else { false } }.count
    }

    func finish() {
        let all = subscribers.withLock { subscribers in
            subscribers.isFinished = true
            return Array(subscribers.all.values)
        }
        for continuation in all { continuation.finish() }
    }
}
