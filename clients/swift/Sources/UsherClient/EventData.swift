// The events that Usher itself sends. An app declares the events of its own back office in the same way.

/// The data of the events of one type, so that `usher.on(StreamStop.self) { … }` needs no name.
public protocol EventData: Decodable, Sendable {
    /// The type of the event, e.g. `party.invited`.
    static var eventType: String { get }
}

/// What a plan allows. Without a membership it allows nothing.
public struct Capabilities: Sendable, Hashable, Codable {
    /// Whether anything may be streamed.
    public let streaming: Bool
    /// How many streams may run at once.
    public let maxStreams: Int
    /// The best quality: a name (`4k`), or a number as text.
    public let maxQuality: String
    /// Whether titles may be kept for offline.
    public let downloads: Bool
    /// Whether advertisements are shown.
    public let ads: Bool

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        streaming = try fields.decodeIfPresent(Bool.self, forKey: .streaming) ?? false
        maxStreams = try fields.decodeIfPresent(Int.self, forKey: .maxStreams) ?? 0
        maxQuality = try fields.decodeIfPresent(TextOrNumber.self, forKey: .maxQuality)?.text ?? "none"
        downloads = try fields.decodeIfPresent(Bool.self, forKey: .downloads) ?? false
        ads = try fields.decodeIfPresent(Bool.self, forKey: .ads) ?? false
    }

    init() {
        streaming = false
        maxStreams = 0
        maxQuality = "none"
        downloads = false
        ads = false
    }
}

/// The state of a membership. An unknown one, of a newer server, counts as `none`.
public enum MembershipStatus: String, Sendable, Hashable, Codable {
    case none, trialing, active, paused, canceled
    case pastDue = "past_due"

    public init(from decoder: any Decoder) throws {
        self = MembershipStatus(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? MembershipStatus.none
    }
}

/// What the user pays for, as the payment processor reports it, and the event of its change.
public struct MembershipChanged: EventData, Hashable, Codable {
    public static let eventType = "membership.changed"

    /// Grows with every change of the user's membership; 0: there never was one.
    public let version: Int
    public let status: MembershipStatus
    /// Nil for a membership that never existed.
    public let planId: String?
    /// What the user may do with this status: nothing after the membership has ended.
    public let capabilities: Capabilities
    /// ISO 8601. Nil only for a membership that never existed.
    public let effectiveAt: String?
    /// When an active membership will end, if it was canceled for the end of the paid period. ISO 8601.
    public let cancelAt: String?
    /// What changed it: an event of the payment processor (`customer.subscription.deleted`), or a call (`user.change_plan`). Nil only for a membership that
    /// never existed.
    public let reason: String?

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        version = try fields.decode(Int.self, forKey: .version)
        status = try fields.decodeIfPresent(MembershipStatus.self, forKey: .status) ?? MembershipStatus.none
        planId = try fields.decodeIfPresent(String.self, forKey: .planId)
        capabilities = try fields.decodeIfPresent(Capabilities.self, forKey: .capabilities) ?? Capabilities()
        effectiveAt = try fields.decodeIfPresent(String.self, forKey: .effectiveAt)
        cancelAt = try fields.decodeIfPresent(String.self, forKey: .cancelAt)
        reason = try fields.decodeIfPresent(String.self, forKey: .reason)
    }
}

/// The membership in the state: the same fields as the event of its change.
public typealias Membership = MembershipChanged

/// What the user may do now. It follows from the membership with the same version.
public struct Entitlement: Sendable, Hashable, Codable {
    /// That of the membership.
    public let version: Int
    /// That of the membership.
    public let status: MembershipStatus
    /// That of the membership.
    public let planId: String?
    /// What is allowed now: nothing after the membership has ended.
    public let capabilities: Capabilities

    public init(from decoder: any Decoder) throws {
        self.init(try MembershipChanged(from: decoder))
    }

    init(_ membership: Membership) {
        version = membership.version
        status = membership.status
        planId = membership.planId
        capabilities = membership.capabilities
    }
}

/// This device must stop this stream.
public struct StreamStop: EventData, Hashable {
    public static let eventType = "stream.stop"

    /// As `POST /v1/streams` returned it.
    public let streamId: String
    /// `membership`, `too_many_streams`, `operator` or `device_removed`.
    public let reason: String?
}

/// What a player does. An unknown state of another device counts as `playing`.
public enum PlaybackState: String, Sendable, Hashable, Codable {
    case playing, paused, ended

    public init(from decoder: any Decoder) throws {
        self = PlaybackState(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .playing
    }
}

/// A playback position: how far a profile has watched a show, and on which device.
public struct PlaybackProgress: EventData, Hashable, Codable {
    public static let eventType = "playback.progress"

    /// The profile that watches.
    public let profileId: String
    /// The show or film. A profile has one position in each.
    public let showId: String
    /// Nil: a film, or the device did not say.
    public let episodeId: String?
    /// From the beginning of the episode.
    public let positionSeconds: Double
    /// Of the whole episode.
    public let durationSeconds: Double
    /// What the player did at that position.
    public let state: PlaybackState
    /// The device that reported it.
    public let deviceId: String
    /// What a person calls that device. Nil: it has no name.
    public let deviceName: String?
    /// When the device was at this position, ISO 8601.
    public let at: String

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        profileId = try fields.decode(String.self, forKey: .profileId)
        showId = try fields.decode(String.self, forKey: .showId)
        episodeId = try fields.decodeIfPresent(String.self, forKey: .episodeId)
        positionSeconds = try fields.decodeIfPresent(Double.self, forKey: .positionSeconds) ?? 0
        durationSeconds = try fields.decodeIfPresent(Double.self, forKey: .durationSeconds) ?? 0
        state = try fields.decodeIfPresent(PlaybackState.self, forKey: .state) ?? .playing
        deviceId = try fields.decodeIfPresent(String.self, forKey: .deviceId) ?? ""
        deviceName = try fields.decodeIfPresent(String.self, forKey: .deviceName)
        at = try fields.decode(String.self, forKey: .at)
    }

    /// The position of a complete heartbeat of this device.
    init(_ beat: Beat, deviceId: String) {
        profileId = beat.profileId ?? ""
        showId = beat.showId
        episodeId = beat.episodeId
        positionSeconds = beat.positionSeconds
        durationSeconds = beat.durationSeconds
        state = beat.state
        self.deviceId = deviceId
        deviceName = nil
        at = beat.at ?? ""
    }
}

/// Autoplay started several episodes in a row. The app should ask whether anybody is still watching.
public struct StillWatching: EventData, Hashable {
    public static let eventType = "playback.still_watching"

    /// The show that plays.
    public let showId: String
    /// How many were started without a person.
    public let episodes: Int?
}

/// A new front page of a profile.
public struct RecommendationsReady: EventData, Hashable, Codable {
    public static let eventType = "recommendations.ready"

    /// The profile that it is for.
    public let profileId: String
    /// Grows with each page of the profile.
    public let version: PageVersion
    /// Its first items, as the back office wrote them. In the state nil until its event came.
    public let items: [JSONValue]?
    /// Where the whole page is, a path of the server. In the state nil until its event came.
    public let url: String?
}

/// A person saw these events on another device of the user.
public struct ReceiptsChanged: EventData, Hashable {
    public static let eventType = "receipts.changed"

    /// Of the events.
    public let ids: [String]
    /// `seen`.
    public let state: String?
}

/// The version of a front page. Numbers compare as numbers, texts as texts, and every number comes after every text.
public enum PageVersion: Sendable, Hashable, Comparable, Codable {
    case text(String)
    case number(Double)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) { self = .text(text) } else { self = .number(try container.decode(Double.self)) }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        }
    }
}

/// Reads a text or a number as text.
private struct TextOrNumber: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        text = try (try? container.decode(String.self)) ?? JSONValue.number(container.decode(Double.self)).text
    }
}
