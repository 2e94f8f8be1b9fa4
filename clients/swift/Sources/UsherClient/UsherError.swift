import Foundation

/// An error from Usher or from this client.
public struct UsherError: Error, Sendable, Equatable {
    /// Stable and meant for programs. The client uses `timeout`, `offline`, `closed`, `superseded`, `user_changed`, `goaway`, `slow`,
    /// `storage`, `token_unavailable`, `handler_timeout`, `queue_full`, `payload_too_large`, `protocol`, `invalid_url` and `http_<status>` (a
    /// response that is not Usher's). All others come from the server (docs/CONTRACT.md, "Error codes").
    public let code: String

    /// Meant for people who read logs.
    public let message: String

    /// True if the same request may succeed later.
    public let retryable: Bool

    /// How long the server asks to wait before the next attempt, in seconds.
    public let retryAfter: TimeInterval?

    /// Makes an error, for instance in a `Transport` of your own.
    public init(code: String, message: String, retryable: Bool, retryAfter: TimeInterval? = nil) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retryAfter = retryAfter
    }

    /// Returns anything thrown as an `UsherError`. One that is none yet gets this code and is retryable.
    init(_ error: any Error, code: String) {
        self = error as? UsherError ?? UsherError(code: code, message: "\(error)", retryable: true)
    }

    /// Reads the server's `{ code, message, retryable, retryAfterMs? }`, or returns nil if the value is not one.
    init?(_ value: JSONValue?) {
        guard let code = value?["code"]?.string else { return nil }
        let isRetryable = value?["retryable"]?.bool != false // the client stops for good only if the server says so explicitly
        let retryAfter = value?["retryAfterMs"]?.number.map { $0 / 1_000 }
        self.init(code: code, message: value?["message"]?.string ?? code, retryable: isRetryable, retryAfter: retryAfter)
    }

    /// `retryAfter` in ms, within what the client accepts.
    var retryAfterMs: Int? { retryAfter.map { Backoff.limited(milliseconds($0)) } }

    /// True if a new token may solve this error.
    var isAboutToken: Bool { code.hasPrefix("token_") || code == "unauthorized" || code == "unauthenticated" }
}

extension UsherError: CustomStringConvertible, LocalizedError {
    public var description: String { "UsherError(\(code): \(message))" }
    public var errorDescription: String? { "\(message) (\(code))" }
}

extension UsherError {
    static let closed = UsherError(code: "closed", message: "the client was closed", retryable: false)
    static let userChanged = UsherError(code: "user_changed", message: "another user signed in before this was sent", retryable: false)

    package static func offline(_ message: String) -> UsherError { UsherError(code: "offline", message: message, retryable: true) }
    static func timeout(_ message: String) -> UsherError { UsherError(code: "timeout", message: message, retryable: true) }
    static func brokenProtocol(_ message: String, retryable: Bool) -> UsherError {
        UsherError(code: "protocol", message: message, retryable: retryable)
    }
}
