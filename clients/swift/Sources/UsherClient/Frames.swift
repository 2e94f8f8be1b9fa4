/// The names of the server's frames that are not events (docs/CONTRACT.md, "From the server").
enum FrameName {
    static let welcome = "welcome"
    static let snapshot = "snapshot"
    static let goaway = "goaway"
    static let tokenExpiring = "token.expiring"
}

/// The first frame of a connection, and of the response to a `sync`.
struct Welcome {
    let userId: String
    /// The newest position of the user's mailbox.
    let position: UsherPosition
    /// The missed events follow; else a snapshot.
    let isReplay: Bool
    let heartbeatSeconds: Double
    /// Ms since 1970, or nil if it cannot be read.
    let serverTimeMs: Int?

    static let defaultHeartbeatSeconds = 60.0

    /// Returns the welcome in the value, or nil if it cannot be read.
    init?(_ value: JSONValue?) {
        guard let userId = value?["userId"]?.string, let position = UsherPosition(value) else { return nil }
        self.userId = userId
        self.position = position
        isReplay = value?["resume"]?.string == "replay"
        heartbeatSeconds = value?["heartbeatSeconds"]?.seconds ?? Welcome.defaultHeartbeatSeconds
        serverTimeMs = parseTime(value?["serverTime"]?.string) ?? value?["serverTime"]?.wholeNumber
    }
}

/// A snapshot, or one page of it.
struct Snapshot {
    /// Up to where its entries go.
    let position: UsherPosition
    /// Another page follows, which has only entries.
    let hasMore: Bool
    let membership: Membership?
    let entitlement: Entitlement?
    let playback: [PlaybackProgress]
    let recommendations: [RecommendationsReady]
    var entries: [Envelope]

    /// Returns the snapshot, or the page of one, in the value. Nil if there is no position.
    init?(_ value: JSONValue?) {
        guard let position = UsherPosition(value?["position"]) else { return nil }
        self.position = position
        hasMore = value?["hasMore"]?.bool == true
        membership = Membership(reading: value?["membership"])
        entitlement = value?["entitlement"]?.decoded(as: Entitlement.self)
        playback = (value?["playback"]?.elements ?? []).compactMap { PlaybackProgress(reading: $0) }
        recommendations = (value?["recommendations"]?.elements ?? []).compactMap { $0.decoded(as: RecommendationsReady.self) }
        entries = (value?["entries"]?.elements ?? []).compactMap { Envelope($0) }.filter { $0.offset != nil }
    }
}

/// The server asks the device to leave.
struct Goaway {
    /// A newer connection of the same device replaced this one.
    let isSuperseded: Bool
    /// How long the device should stay away.
    let retryAfterMs: Int

    init(_ value: JSONValue?) {
        isSuperseded = value?["reason"]?.string == "superseded"
        retryAfterMs = value?["retryAfterMs"]?.wholeNumber ?? 0
    }
}
