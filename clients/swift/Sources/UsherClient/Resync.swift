@UsherActor
protocol ResyncDelegate: AnyObject {
    /// Nil if there is nothing to resume from.
    var resumePosition: UsherPosition? { get }

    /// True while what has arrived is not handled yet: the server is not to blame.
    var isBusy: Bool { get }

    /// The last attempt failed.
    func resyncGaveUp(_ error: UsherError)
}

/// Requests missing events: one `sync` at a time, with a timeout, repeated with backoff a few times.
@UsherActor
final class Resync {
    /// From a `sync` to its welcome (and snapshot, or its next page), in ms.
    private static let responseTimeoutMs = 10_000

    /// After this many failures in a row, suspect the connection itself and replace it.
    private static let maxAttempts = 4

    weak var delegate: (any ResyncDelegate)?
    private let timers: Timers
    private let socket: ReconnectingSocket
    private let random: @Sendable () -> Double
    private var isRunning = false
    private var failures = 0
    private var attempt = 0

    init(timers: Timers, socket: ReconnectingSocket, random: @escaping @Sendable () -> Double) {
        self.timers = timers
        self.socket = socket
        self.random = random
    }

    /// An event is missing. Does nothing while a sync is running.
    func start() {
        guard !isRunning else { return }
        isRunning = true
        send()
    }

    /// The server has responded, but had read its response before the event that showed the gap. Another sync is needed.
    func restart() {
        if isRunning { retry(.timeout("the response to sync was outdated")) } else { start() }
    }

    /// A page of the response has arrived: the others have as long again.
    func extend() {
        if isRunning { startTimer(attempt) }
    }

    /// Nothing is missing any more, or the connection ended: the next one resumes from our position anyway.
    func stop() {
        isRunning = false
        failures = 0
        attempt += 1
        timers.clear("sync")
    }

    private func send() {
        guard let position = delegate?.resumePosition else { return stop() }
        attempt += 1
        let current = attempt // a failure that arrives late says nothing about the next attempt
        startTimer(current)
        Task {
            do { _ = try await socket.request("sync", position.json) } catch { fail(current, UsherError(error, code: "offline")) }
        }
    }

    private func startTimer(_ current: Int) {
        timers.set("sync", ms: Resync.responseTimeoutMs) { [weak self] in
            guard let self else { return }
            if delegate?.isBusy == true { startTimer(current) } else { fail(current, .timeout("no response to sync")) }
        }
    }

    private func fail(_ current: Int, _ error: UsherError) {
        if current == attempt, isRunning { retry(error) }
    }

    private func retry(_ error: UsherError) {
        attempt += 1
        failures += 1
        guard error.retryable, failures < Resync.maxAttempts else {
            stop()
            delegate?.resyncGaveUp(error)
            return
        }
        let delayMs = Backoff.delayMs(attempt: failures - 1, random: random(), retryAfterMs: error.retryAfterMs)
        timers.set("sync", ms: delayMs) { [weak self] in self?.send() }
    }
}
