/// A playback heartbeat: where this device is in a show.
public struct Beat: Sendable, Equatable {
    /// The show or film. Of the beats of one show that wait only the newest is sent.
    public var showId: String
    /// From the beginning of the episode.
    public var positionSeconds: Double
    /// Of the whole episode.
    public var durationSeconds: Double
    /// What the player does.
    public var state: PlaybackState
    /// Nil: a film, or unknown.
    public var episodeId: String?
    /// True if autoplay started this episode, not a person; nil: unknown.
    public var autoplay: Bool?
    /// Default: the profile of the configuration.
    public var profileId: String?
    /// The stream that this device holds. The heartbeat renews its slot.
    public var streamId: String?
    /// When the device was at this position, ISO 8601. Default: now, by the server's clock.
    public var at: String?

    public init(
        showId: String, positionSeconds: Double, durationSeconds: Double, state: PlaybackState, episodeId: String? = nil,
        autoplay: Bool? = nil, profileId: String? = nil, streamId: String? = nil, at: String? = nil
    ) {
        self.showId = showId
        self.positionSeconds = positionSeconds
        self.durationSeconds = durationSeconds
        self.state = state
        self.episodeId = episodeId
        self.autoplay = autoplay
        self.profileId = profileId
        self.streamId = streamId
        self.at = at
    }

    /// Returns the beat with its profile and time filled in. It carries its own time because it may be sent much later.
    func completed(profileId: String, nowMs: Int) -> Beat {
        var beat = self
        beat.profileId = beat.profileId ?? profileId
        beat.at = beat.at ?? formatTime(nowMs)
        return beat
    }

    /// The message that sends this complete beat. Of those that wait only the newest of a profile and show is kept.
    var message: OutgoingMessage {
        OutgoingMessage(key: ["beat", profileId ?? "", showId], name: "playback.heartbeat", content: .whole(json), order: parseTime(at) ?? 0)
    }

    private var json: JSONValue {
        let fields: [String: JSONValue?] = [
            "showId": .string(showId), "positionSeconds": .number(positionSeconds), "durationSeconds": .number(durationSeconds),
            "state": .string(state.rawValue), "episodeId": episodeId.map(JSONValue.string), "autoplay": autoplay.map(JSONValue.bool),
            "profileId": profileId.map(JSONValue.string), "streamId": streamId.map(JSONValue.string), "at": at.map(JSONValue.string),
        ]
        return .object(fields.compactMapValues { $0 })
    }
}

/// The server's response to a heartbeat.
public struct BeatAnswer: Sendable, Equatable {
    /// Seconds until the server wants the next one. They grow when it is under load.
    public let nextSeconds: Double
}
