/// How far a device has read its user's mailbox. An offset means something only within its epoch.
public struct UsherPosition: Sendable, Hashable, Codable {
    /// The numbering that the offset belongs to.
    public let epoch: String
    /// The number of the newest event that was read.
    public let offset: Int

    /// Returns the position in the value, or nil if there is none.
    init?(_ value: JSONValue?) {
        guard let epoch = value?["epoch"]?.string, let offset = value?["offset"]?.wholeNumber else { return nil }
        self.init(epoch: epoch, offset: offset)
    }

    init(epoch: String, offset: Int) {
        self.epoch = epoch
        self.offset = offset
    }

    var json: JSONValue { ["epoch": .string(epoch), "offset": .number(Double(offset))] }
}

/// How far a device has read the broadcasts. Their numbers belong to the same epochs as offsets, and grow, but not always by one.
struct BroadcastPosition: Equatable {
    let epoch: String
    let number: Int

    /// True if a device that has read up to here has had this broadcast.
    func includes(_ other: BroadcastPosition) -> Bool { epoch == other.epoch && other.number <= number }
}

/// What is stored of a device. `broadcast` is the number of the last broadcast of the same epoch, if there was one.
struct StoredPosition: Equatable {
    let position: UsherPosition
    let broadcast: Int?

    init(position: UsherPosition, broadcast: Int?) {
        self.position = position
        self.broadcast = broadcast
    }

    /// Returns the stored position in the value, or nil if there is none. A number that cannot be read is left out: then all that is said to
    /// everyone comes again.
    init?(_ value: JSONValue?) {
        guard let position = UsherPosition(value) else { return nil }
        self.init(position: position, broadcast: value?["broadcast"]?.wholeNumber)
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["epoch": .string(position.epoch), "offset": .number(Double(position.offset))]
        if let broadcast { fields["broadcast"] = .number(Double(broadcast)) }
        return .object(fields)
    }
}

/// A position within the current connection.
struct Cursor: Equatable {
    var position: UsherPosition

    /// The last offset of the replay. Up to it offsets may be missing: only the newest event of each key is replayed.
    var replayEnd: Int

    /// What an event's offset means to this device.
    enum Check: String {
        /// Apply it.
        case next
        /// It was applied before.
        case duplicate
        /// An event before it is missing, or it has another epoch.
        case gap
        /// Unknown until the snapshot arrives.
        case noCursor = "no_cursor"
    }

    /// Detects gaps. During a replay events arrive in offset order, newest of each key, so every higher offset is right. After it each offset
    /// reaches each device, so only the very next one is. The same rule holds while a `sync` is in flight: its replay repeats everything that
    /// this rule rejects.
    static func check(_ cursor: Cursor?, epoch: String?, offset: Int) -> Check {
        guard let cursor else { return .noCursor }
        if let epoch, epoch != cursor.position.epoch { return .gap }
        if offset <= cursor.position.offset { return .duplicate }
        // The last offsets of a replay may have been superseded. The first event after `replayEnd` shows that the replay is over.
        return offset <= max(cursor.position.offset, cursor.replayEnd) + 1 ? .next : .gap
    }

    /// Returns the cursor after a `welcome` that announces a replay up to its position, or nil if that replay cannot continue from here
    /// (another epoch, or a lower offset): then only a snapshot helps.
    func beginReplay(to welcome: UsherPosition) -> Cursor? {
        guard position.epoch == welcome.epoch, welcome.offset >= position.offset else { return nil }
        return Cursor(position: position, replayEnd: welcome.offset)
    }

    /// After a longer downtime the client asks for a snapshot. A replay carries only the latest of the playback positions that changed
    /// meanwhile (docs/CONTRACT.md, "From the server").
    private static let maxReplayDowntimeMs = 3_600_000

    /// Returns the position to resume from, or nil to ask for a snapshot. A restarted app has a stored position but no state that belongs to
    /// it, because the state is not stored. A replay from there would leave out everything before it, so such an app has no cursor.
    static func resumePosition(_ cursor: Cursor?, downMs: Int) -> UsherPosition? { downMs <= maxReplayDowntimeMs ? cursor?.position : nil }
}
