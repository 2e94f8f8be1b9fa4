// How the state follows from snapshots and events (clients/conformance/vectors/state.json).

extension UsherState {
    /// The size of `entries`, the same as in the server's state. Without a limit, events that supersede nothing would pile up.
    static let maxEntries = 1_000

    /// Adds one event. Durable events must come in order, routine ones may come in any.
    mutating func apply(_ event: Envelope) {
        if event.offset != nil { addEntry(event) }
        switch event.type {
        case MembershipChanged.eventType:
            guard let membership = Membership(reading: event.data) else { return }
            applyVersions(membership, Entitlement(membership))
        case PlaybackProgress.eventType:
            if let row = PlaybackProgress(reading: event.data) { apply(row) }
        case RecommendationsReady.eventType:
            if let page = event.data.decoded(as: RecommendationsReady.self) { apply(page) }
        default: return
        }
    }

    /// Takes a snapshot over. It replaces everything, except for rows with a newer version or time on this device: the server may have read
    /// the snapshot before the event that this device already applied.
    mutating func apply(_ snapshot: Snapshot) {
        playback.removeAll { known in !snapshot.playback.contains { $0.isSameShow(as: known) } }
        recommendations.removeAll { known in !snapshot.recommendations.contains { isSame($0.profileId, known.profileId) } }
        entries = []
        for entry in snapshot.entries.sorted(by: { $0.offset ?? 0 < $1.offset ?? 0 }) { apply(entry) }
        for row in snapshot.playback { apply(row) }
        for page in snapshot.recommendations { apply(page) }
        applyVersions(snapshot.membership, snapshot.entitlement)
    }

    /// Adds a playback position, unless a newer one is known. Of two with the same `at` the greater device id wins, so that all devices decide
    /// alike (docs/CONTRACT.md, "Playback rules").
    mutating func apply(_ row: PlaybackProgress) {
        if let known = playback.firstIndex(where: { $0.isSameShow(as: row) }) {
            guard row.isNewer(than: playback[known]) else { return }
            playback.remove(at: known)
        }
        playback.insert(row, at: playback.firstIndex { row.isNewer(than: $0) } ?? playback.endIndex)
    }

    private mutating func apply(_ page: RecommendationsReady) {
        if let known = recommendations.firstIndex(where: { isSame($0.profileId, page.profileId) }) {
            let version = recommendations[known].version
            // The same version again may bring the items, which a snapshot leaves out.
            if page.version < version || (page.version == version && page.items == nil) { return }
            recommendations[known] = page
        } else {
            let at = recommendations.firstIndex { page.profileId < $0.profileId }
            recommendations.insert(page, at: at ?? recommendations.endIndex)
        }
    }

    /// Versions only grow, and a device must never act on a lower one than it knows. The same version again replaces the known one: a
    /// snapshot may carry corrected capabilities without a new version.
    private mutating func applyVersions(_ newMembership: Membership?, _ newEntitlement: Entitlement?) {
        if let newMembership, newMembership.version >= membership?.version ?? .min { membership = newMembership }
        if let newEntitlement, newEntitlement.version >= entitlement?.version ?? .min { entitlement = newEntitlement }
    }

    private mutating func addEntry(_ event: Envelope) {
        let offset = event.offset ?? 0
        if let known = entries.firstIndex(where: { isSame($0.key, event.key) }) {
            guard offset > entries[known].offset ?? 0 else { return }
            entries.remove(at: known)
        }
        let before = entries.lastIndex { $0.offset ?? 0 <= offset }
        entries.insert(event, at: before.map { $0 + 1 } ?? 0)
        if entries.count > UsherState.maxEntries { entries.removeFirst() }
    }
}

extension PlaybackProgress {
    /// Returns a playback position with a readable time, or nil.
    init?(reading value: JSONValue?) {
        guard let row = value?.decoded(as: PlaybackProgress.self), parseTime(row.at) != nil else { return nil }
        self = row
    }

    func isSameShow(as other: PlaybackProgress) -> Bool { isSame(showId, other.showId) && isSame(profileId, other.profileId) }

    fileprivate func isNewer(than other: PlaybackProgress) -> Bool {
        let (time, otherTime) = (parseTime(at) ?? 0, parseTime(other.at) ?? 0)
        return time == otherTime ? deviceId > other.deviceId : time > otherTime
    }
}

extension MembershipChanged {
    /// Returns a membership with a version to compare by, or nil.
    init?(reading value: JSONValue?) {
        guard let membership = value?.decoded(as: Membership.self) else { return nil }
        self = membership
    }
}
