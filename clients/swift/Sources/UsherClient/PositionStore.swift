import Foundation

/// Where positions are stored. A call that throws is reported once as `storage`.
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

    /// Returns the user's position. Nil if there is none or it cannot be read: a wrong position is worse than none.
    @UsherActor
    func load(_ userId: String) async -> UsherPosition? {
        let name = storageName(url: url, userId: userId, deviceId: deviceId)
        let text = try? await attempt { [store] in try await store.text(named: name) }
        return text.flatMap { $0 }.flatMap { UsherPosition(JSONValue(parsing: $0)) }
    }

    /// Returns false if the store fails. Events may then repeat after a restart, which is better than losing them.
    @UsherActor
    func save(_ position: UsherPosition, for userId: String) async -> Bool {
        let name = storageName(url: url, userId: userId, deviceId: deviceId)
        return (try? await attempt { [store] in try await store.store(position.json.text, named: name) }) != nil
    }

    @UsherActor
    private func attempt<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await runForeign(within: StoredPositions.timeoutMs, on: clock, else: .timeout("the storage hangs"), operation)
    }
}
