/// One event. `Content` is the type of its data: one of Usher's own, one of yours, or `JSONValue`.
public struct UsherEvent<Content: Sendable>: Sendable {
    /// Identifies this event. One that is sent twice has the same id both times.
    public let id: String
    /// Dotted words, e.g. `membership.changed`.
    public let type: String
    /// `critical` or `important` (durable and numbered) or `routine` (neither).
    public let tier: String
    /// Of one user's events with the same key only the newest matters.
    public let key: String
    /// The event's number in the user's mailbox. Routine events have none.
    public let offset: Int?
    /// The number of an event for everyone, which is in no mailbox and so has no offset.
    public let broadcast: Int?
    /// The numbering that `offset` or `broadcast` belongs to.
    public let epoch: String?
    /// When it happened, ISO 8601.
    public let at: String
    /// When it stops to matter, ISO 8601.
    public let expiresAt: String?
    /// The person within the account that it is about.
    public let profileId: String?
    /// The id of the only device that it is meant for.
    public let target: String?
    /// What the event says.
    public let data: Content

    func with<Other: Sendable>(data: Other) -> UsherEvent<Other> {
        UsherEvent<Other>(
            id: id, type: type, tier: tier, key: key, offset: offset, broadcast: broadcast, epoch: epoch, at: at, expiresAt: expiresAt,
            profileId: profileId, target: target, data: data
        )
    }
}

extension UsherEvent: Equatable where Content: Equatable {}

/// An event whose data is JSON.
public typealias Envelope = UsherEvent<JSONValue>

extension UsherEvent where Content == JSONValue {
    /// Returns the envelope in the value, or nil if there is none. Only what the client itself uses is checked.
    init?(_ value: JSONValue?) {
        guard let id = value?["id"]?.string, let type = value?["type"]?.string else { return nil }
        let offset = value?["offset"]?.wholeNumber
        if offset == nil, let given = value?["offset"], given != .null { return nil }
        self.init(
            id: id, type: type, tier: value?["tier"]?.string ?? "routine", key: value?["key"]?.string ?? type, offset: offset,
            broadcast: offset == nil ? value?["broadcast"]?.wholeNumber : nil, epoch: value?["epoch"]?.string, at: value?["at"]?.string ?? "", expiresAt: value?["expiresAt"]?.string,
            profileId: value?["profileId"]?.string, target: value?["target"]?.string, data: value?["data"] ?? .null
        )
    }

    /// True if this device should act on the event: it is not meant for another device and has not expired.
    func isRelevant(to deviceId: String, nowMs: Int) -> Bool {
        if let target, target != deviceId { return false }
        // An unreadable time is never in the past. One event too many is better than a lost one.
        return (parseTime(expiresAt) ?? .max) >= nowMs
    }
}
