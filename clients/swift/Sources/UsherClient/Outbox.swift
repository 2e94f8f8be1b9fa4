/// Sends messages at a pace that the server accepts, and queues them meanwhile and while offline. Whoever sent a message that was replaced by a
/// newer one of the same key gets the newer one's response. A message that was in flight when the connection ended is sent again. That is
/// harmless: the server orders beats by their `at`, and receipts only move forward.
@UsherActor
final class Outbox {
    typealias Response = Deferred<JSONValue>

    private struct Queued {
        var message: OutgoingMessage
        var callers: [Response]
        /// Grows from message to message.
        let number: Int
        var refusals = 0
        /// Refused together with others: nobody knew which of them was wrong.
        var isAlone = false

        /// Takes over what was sent later with the same key: the one with the greater `order` is sent, and both wait for its response.
        mutating func absorb(_ later: Queued) {
            callers += later.callers
            guard later.message.order >= message.order else { return }
            (message, refusals, isAlone) = (later.message, later.refusals, later.isAlone)
        }

        @UsherActor
        func complete(_ result: Result<JSONValue, any Error>) {
            for caller in callers { caller.complete(result) }
        }
    }

    /// At most this many messages are sent in a window of a second, which leaves the server's limit (20 a second with bursts of 100;
    /// docs/CONTRACT.md, "The device socket") room for syncs and token renewals.
    private static let maxMessagesPerWindow = 20
    private static let windowMs = 1_000
    private static let maxQueued = 1_000

    /// A message that was refused as `rate_limited` this often is sent once more, and then fails.
    private static let maxRefusals = 5
    private static let defaultPauseMs = 1_000
    private static let maxIds = 100

    /// The ids of one message have at most so many bytes, which leaves room in its 16 KiB for the rest.
    private static let maxIdsBytes = SocketConnection.maxFrameBytes - 128

    private let timers: Timers
    private let socket: ReconnectingSocket
    /// In the order of their numbers.
    private var queue: [Queued] = []
    private var closeReason: UsherError?
    private var lastNumber = 0
    private var userGeneration = 0
    private var sentInWindow = 0
    private var isPaused = false

    init(timers: Timers, socket: ReconnectingSocket) {
        self.timers = timers
        self.socket = socket
    }

    /// `response` gets the server's response, however long the device is offline. It fails with the server's refusal, `timeout`, the close
    /// reason, or `queue_full` if too many newer messages were sent meanwhile.
    func send(_ message: OutgoingMessage, _ response: Response) {
        lastNumber += 1
        enqueue(Queued(message: message, callers: [response], number: lastNumber))
        flush()
    }

    /// Sends what is queued: now what the pace allows, and the rest later.
    func flush() {
        while socket.isLive, !isPaused, sentInWindow < Outbox.maxMessagesPerWindow, !queue.isEmpty {
            if sentInWindow == 0 { timers.set("outbox", ms: Outbox.windowMs) { [weak self] in self?.openWindow() } }
            sentInWindow += 1
            let (batch, generation) = (takeBatch(), userGeneration)
            Task { await self.transmit(batch, generation) }
        }
    }

    /// Fails everything that is queued, and what is in flight unless it is acknowledged on this connection.
    func discard(_ reason: UsherError) {
        userGeneration += 1
        let messages = queue
        queue = []
        for message in messages { message.complete(.failure(reason)) }
    }

    /// Fails everything that is queued, in flight, or sent from now on.
    func close(_ reason: UsherError) {
        closeReason = reason
        discard(reason)
    }

    private func openWindow() {
        sentInWindow = 0
        flush()
    }

    /// Takes the first message from the queue, and those that can be sent together with it.
    private func takeBatch() -> [Queued] {
        var batch = [queue.removeFirst()]
        guard !batch[0].isAlone, case .receipts(let state, let ids) = batch[0].message.content else { return batch }
        var (count, bytes) = (ids.count, Outbox.byteCount(of: ids))
        var left: [Queued] = []
        for (n, other) in queue.enumerated() {
            guard !other.isAlone, case .receipts(state, let more) = other.message.content else {
                left.append(other)
                continue
            }
            count += more.count
            bytes += Outbox.byteCount(of: more)
            if count > Outbox.maxIds || bytes > Outbox.maxIdsBytes {
                left += queue[n...]
                break
            }
            batch.append(other)
        }
        queue = left
        return batch
    }

    /// Of the ids as JSON, each with a comma.
    private static func byteCount(of ids: [String]) -> Int {
        ids.reduce(0) { $0 + JSONValue.string($1).text.utf8.count + 1 }
    }

    private func transmit(_ batch: [Queued], _ generation: Int) async {
        do {
            let payload = OutgoingMessage.payload(of: batch.map(\.message.content))
            let response = try await socket.request(batch[0].message.name, payload)
            for message in batch { message.complete(.success(response)) }
        } catch {
            handleFailure(of: batch, generation, UsherError(error, code: "offline"))
        }
    }

    private func handleFailure(of batch: [Queued], _ generation: Int, _ error: UsherError) {
        if let closeReason {
            fail(batch, closeReason)
        } else if generation != userGeneration {
            fail(batch, .userChanged)
        } else if error.code == "offline" {
            requeue(batch) { _ in }
        } else if error.code == "rate_limited" {
            handleRateLimit(of: batch, error)
        } else if !error.retryable, batch.count > 1 {
            requeue(batch) { $0.isAlone = true }
            flush()
        } else {
            fail(batch, error)
        }
    }

    private func handleRateLimit(of batch: [Queued], _ error: UsherError) {
        fail(batch.filter { $0.refusals >= Outbox.maxRefusals }, error)
        requeue(batch.filter { $0.refusals < Outbox.maxRefusals }) { $0.refusals += 1 }
        isPaused = true
        timers.set("outbox pause", ms: error.retryAfterMs ?? Outbox.defaultPauseMs) { [weak self] in
            self?.isPaused = false
            self?.flush()
        }
    }

    private func fail(_ batch: [Queued], _ error: UsherError) {
        for message in batch { message.complete(.failure(error)) }
    }

    /// Puts messages back where they were, unless a newer one of the same key waits: then their callers wait for that.
    private func requeue(_ batch: [Queued], _ change: (inout Queued) -> Void) {
        for var message in batch {
            change(&message)
            if let later = index(of: message) { message.absorb(queue.remove(at: later)) }
            queue.insert(message, at: queue.firstIndex { $0.number > message.number } ?? queue.endIndex)
        }
        dropOldest()
    }

    private func enqueue(_ added: Queued) {
        if let closeReason { return added.complete(.failure(closeReason)) }
        if let earlier = index(of: added) { queue[earlier].absorb(added) } else { queue.append(added) }
        dropOldest()
    }

    private func index(of message: Queued) -> Int? { queue.firstIndex { $0.message.key == message.message.key } }

    private func dropOldest() {
        while queue.count > Outbox.maxQueued {
            queue.removeFirst().complete(.failure(UsherError(code: "queue_full", message: "too many newer messages wait", retryable: true)))
        }
    }
}
