/// The current time by the server's clock, estimated from each `welcome`. Of two playback positions the newer one wins, which is fair only if
/// devices agree on the time, and the clocks of televisions are often wrong.
@UsherActor
final class ServerClock {
    /// If a `welcome` took longer than this, its time is ignored: the device may have slept while waiting for it.
    private static let maxRoundTripMs = 5_000

    private let clock: any UsherClock
    /// What to add to `elapsedMs`; nil until the first welcome. By the system's time, which may be set, events would pass for expired, which are
    /// then never heard.
    private var offsetMs: Int?

    nonisolated init(_ clock: any UsherClock) { self.clock = clock }

    /// The estimated server time in ms since 1970.
    var nowMs: Int { offsetMs.map { clock.elapsedMs + $0 } ?? clock.wallMs }

    /// Adopts the server's time. An unreadable or late one is ignored.
    /// - Parameter requestedAtMs: `elapsedMs` at which the connection was requested
    func synchronize(_ serverTimeMs: Int?, requestedAtMs: Int) {
        guard let serverTimeMs, clock.elapsedMs - requestedAtMs <= ServerClock.maxRoundTripMs else { return }
        offsetMs = serverTimeMs - clock.elapsedMs
    }
}
