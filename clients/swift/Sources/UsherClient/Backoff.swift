/// When to try again (clients/conformance/README.md, "Numbers that the contract leaves to clients").
enum Backoff {
    /// Upper bound of the random delay before the first attempt, in ms.
    private static let firstDelayMs = 1_000

    /// Upper bound of every random delay, in ms.
    private static let maxDelayMs = 30_000

    /// Upper bound of the `retryAfterMs` that the client accepts. A wrong number must not keep a device offline for days.
    static let maxRetryAfterMs = 3_600_000

    /// A connection that lasted this long counts as healthy.
    private static let healthyAfterMs = 10_000

    /// Returns the number of failures in a row after a connection was lost: 0 if it was healthy, else `failures`. A server that accepts and
    /// drops a device over and over must not reset its backoff each time.
    static func failures(after connectedMs: Int, failures: Int) -> Int { connectedMs >= healthyAfterMs ? 0 : failures }

    /// Returns the delay before the attempt with this number (0, 1, 2 …) in ms: `retryAfterMs`, plus exponential backoff with full jitter.
    /// The jitter is added even if the server asked for a delay, because a million devices that lost the same node were all told the same
    /// number.
    /// - Parameter random: from 0 up to but not including 1
    static func delayMs(attempt: Int, random: Double, retryAfterMs: Int? = nil) -> Int {
        let maxJitterMs = min(maxDelayMs, firstDelayMs << min(max(attempt, 0), 5))
        return limited(retryAfterMs ?? 0) + Int(random * Double(maxJitterMs))
    }

    /// Returns the delay that a server asked for, within what the client accepts.
    static func limited(_ retryAfterMs: Int) -> Int { min(max(retryAfterMs, 0), maxRetryAfterMs) }
}
