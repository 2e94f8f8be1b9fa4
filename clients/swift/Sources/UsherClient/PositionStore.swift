import Foundation

/// Where positions are stored. A call that throws or takes longer than five seconds is reported as `storage`, once per client. A read is tried again
/// with backoff before the device connects, three times in all; then it connects as a new device. A write that fails may make events repeat after a
/// restart.
public protocol PositionStore: Sendable {
    /// Returns the text that was stored last under this name, or nil.
    func text(named name: String) async throws -> String?

    /// Stores a text. Returns when it would survive the end of the app.
    func store(_ text: String, named name: String) async throws
}

/// Keeps positions in the app's preferences.
public struct UserDefaultsPositionStore: PositionStore {
    private let suiteName: String?

    /// - Parameter suiteName: the preferences of an app group; nil: those of the app
    public init(suiteName: String? = nil) { self.suiteName = suiteName }

    public func text(named name: String) -> String? { defaults.string(forKey: name) }

    public func store(_ text: String, named name: String) { defaults.set(text, forKey: name) }

    private var defaults: UserDefaults { UserDefaults(suiteName: suiteName) ?? .standard }
}

/// Forgets everything when the app ends. An app that starts then hears nothing of what it missed, and has only the state.
public final class MemoryPositionStore: PositionStore {
    private let values = Locked<[String: String]>([:])

    public init() {}

    public func text(named name: String) -> String? { values.withLock { $0[name] } }

    public func store(_ text: String, named name: String) { values.withLock { $0[name] = text } }
}

/// Stores how far this device has read, per server, user and device. The next user who signs in on the same device must not inherit a position,
/// or they would miss their own events.
struct StoredPositions: Sendable {
    /// A store that hangs must not hold up events for ever.
    private static let timeoutMs = 5_000

    let store: any PositionStore
    let url: String
    let deviceId: String
    let clock: any UsherClock

    /// Returns the user's position; nil if there is none, or a text that is none: a wrong position is worse than none. Throws `UsherError` with the
    /// code `storage` if the store fails.
    @UsherActor
    func load(_ userId: String) async throws -> StoredPosition? {
        let name = storageName(url: url, userId: userId, deviceId: deviceId)
        let text = try await attempt("the position cannot be read") { [store] in try await store.text(named: name) }
        return text.flatMap { StoredPosition(JSONValue(parsing: $0)) }
    }

    /// Throws `UsherError` with the code `storage` if the store fails. Events may then repeat after a restart, which is better than losing them.
    @UsherActor
    func save(_ position: StoredPosition, for userId: String) async throws {
        let name = storageName(url: url, userId: userId, deviceId: deviceId)
        try await attempt("the position cannot be stored; events may be received again after a restart") { [store] in
            try await store.store(position.json.text, named: name)
        }
    }

    /// Throws `storage` with this message, or `CancellationError` if the caller was cancelled.
    @UsherActor
    private func attempt<Value: Sendable>(_ failure: String, _ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let error = UsherError(code: "storage", message: failure, retryable: true)
        do {
            return try await runWithTimeout(within: StoredPositions.timeoutMs, on: clock, else: error, operation)
        } catch _ where !Task.isCancelled {
            throw error
        }
    }
}
