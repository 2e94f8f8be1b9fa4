import Foundation

/// The clocks of a client. Tests pass a virtual one.
public protocol UsherClock: Sendable {
    /// Milliseconds since 1970. May jump when the system's time is set.
    var wallMs: Int { get }

    /// Milliseconds since any fixed instant, the device's sleep included. Never jumps.
    var elapsedMs: Int { get }

    /// Waits. Throws `CancellationError` if the task is cancelled meanwhile. The client never waits longer than a day.
    func sleep(ms: Int) async throws
}

/// The system's clocks.
public struct SystemClock: UsherClock {
    public init() {}

    public var wallMs: Int { Int(Date().timeIntervalSince1970 * 1_000) }

    /// `ContinuousClock`, which does the same, needs iOS 16.
    public var elapsedMs: Int {
        var time = timespec()
        #if canImport(Darwin)
            clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        #else
            clock_gettime(CLOCK_BOOTTIME, &time)
        #endif
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    /// Waits for a day at most: the nanoseconds of much more would overflow.
    public func sleep(ms: Int) async throws { try await Task.sleep(nanoseconds: UInt64(min(max(0, ms), maxWaitMs)) * 1_000_000) }
}
