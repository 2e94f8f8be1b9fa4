/// Everything that this device knows: its copy of what `GET /v1/me/state` returns, kept up to date by every event.
public struct UsherState: Sendable, Equatable {
    /// What the connection does.
    public enum Connection: String, Sendable {
        /// An attempt is under way.
        case connecting
        /// Connected and up to date.
        case live
        /// Waiting for the next attempt, which comes by itself.
        case offline
        /// Ended for good.
        case closed
    }

    /// What the connection does.
    public internal(set) var connection = Connection.offline
    /// What the user pays for. The version never decreases.
    public internal(set) var membership: Membership?
    /// What the user may do now.
    public internal(set) var entitlement: Entitlement?
    /// The newest position of each profile and show, newest first.
    public internal(set) var playback: [PlaybackProgress] = []
    /// The newest front page version of each profile.
    public internal(set) var recommendations: [RecommendationsReady] = []
    /// The newest durable event of each key, in offset order, at most 1,000.
    public internal(set) var entries: [Envelope] = []
    /// How far this device has read.
    public internal(set) var position: UsherPosition?

    init() {}
}
