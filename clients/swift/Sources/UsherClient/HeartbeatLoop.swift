@UsherActor
protocol HeartbeatLoopDelegate: AnyObject {
    /// Seconds between two beats until a response says otherwise.
    var heartbeatSeconds: Double { get }

    func send(_ beat: Beat) async throws -> BeatAnswer
    func report(_ error: any Error)
}

/// Sends heartbeats while the player plays. The first one is sent after one interval, because less does not count as watching; later ones when the
/// server wants them. A pause is sent once.
@UsherActor
final class HeartbeatLoop {
    /// A player that says nothing for so long is asked again at the next interval.
    private static let playerTimeoutMs = 10_000

    private weak var delegate: (any HeartbeatLoopDelegate)?
    private let name: String
    private let timers: Timers
    private let clock: any UsherClock
    private let getBeat: @Sendable () async throws -> Beat
    private var intervalSeconds: Double?
    private var lastState: PlaybackState?
    private var isStopped = false
    private var isReading = false

    /// - Parameter name: unique among the client's timers
    init(
        name: String, timers: Timers, clock: any UsherClock, delegate: any HeartbeatLoopDelegate,
        getBeat: @escaping @Sendable () async throws -> Beat
    ) {
        self.name = name
        self.timers = timers
        self.clock = clock
        self.delegate = delegate
        self.getBeat = getBeat
    }

    func start() {
        guard !isStopped, let delegate else { return }
        timers.set(name, ms: milliseconds(intervalSeconds ?? delegate.heartbeatSeconds)) {
            self.start() // first, so that neither a throwing player nor a missing response ends the loop
            if !self.isReading { Task { await self.tick() } }
        }
    }

    func stop() {
        isStopped = true
        timers.clear(name)
    }

    private func tick() async {
        do {
            let beat = try await readPlayer()
            let isNews = beat.state == .playing || (lastState != nil && beat.state != lastState)
            guard !isStopped, isNews, let delegate else { return }
            lastState = beat.state
            adopt(try await delegate.send(beat).nextSeconds)
        } catch {
            handleFailure(error)
        }
    }

    private func readPlayer() async throws -> Beat {
        isReading = true
        defer { isReading = false }
        return try await runWithTimeout(within: HeartbeatLoop.playerTimeoutMs, on: clock, else: .timeout("the player does not answer"), getBeat)
    }

    private func adopt(_ seconds: Double) {
        guard !isStopped, seconds != intervalSeconds else { return }
        intervalSeconds = seconds
        start()
    }

    /// A lost connection is reported by itself.
    private func handleFailure(_ error: any Error) {
        guard !isStopped, let delegate else { return }
        guard let refusal = error as? UsherError else { return delegate.report(error) }
        if let retryAfter = refusal.retryAfter {
            adopt(min(max(delegate.heartbeatSeconds, retryAfter), 86_400))
        } else if !refusal.retryable {
            delegate.report(error)
        }
    }
}
