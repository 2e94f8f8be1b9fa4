@UsherActor
protocol InboxDelegate: AnyObject {
    /// The server's time in ms.
    var nowMs: Int { get }

    /// The app closed the client, or the server refused it: nothing more is delivered.
    var isClosed: Bool { get }

    /// Runs the app's handlers.
    func handle(_ event: Envelope) async

    /// The position after this event is stored.
    func committed(_ event: Envelope)

    /// The state or the position may have changed.
    func stateChanged()

    /// The position could not be stored or read.
    func storageFailed(_ error: UsherError)
}

/// Receives snapshots and events, one at a time. Delivers each durable event once and in order, and stores the position only after the app's
/// handlers have returned: an app that dies in between receives the event again. The other order would lose it.
///
/// Handlers suspend. Meanwhile another user may sign in: `generation` then differs, and nothing of the former user is kept.
@UsherActor
final class Inbox {
    /// What a `welcome` is followed by.
    enum AfterWelcome {
        case replay, snapshot
        /// The replay does not continue our position, and only a snapshot helps.
        case mismatch
    }

    enum AfterSnapshot {
        case complete
        /// Another page follows.
        case incomplete
        /// Only a new connection helps.
        case unreadable
        /// The client was closed, or another user signed in, while it was delivered.
        case abandoned
    }

    /// After so many failed attempts to read the stored position the device goes on as a new one: it misses the events of its absence, and has only
    /// the state. Without a limit, a store that stays broken would keep the device from ever connecting, which is worse.
    private static let maxLoadAttempts = 3

    weak var delegate: (any InboxDelegate)?
    private(set) var state = UsherState()
    private(set) var cursor: Cursor?
    private let deviceId: String
    private let positions: StoredPositions
    private var userId: String?
    private var generation = 0
    private var isPositionLoaded = false
    private var loadFailures = 0
    /// The position of the last delivered event while there is no cursor: a stored one, or that of the discarded cursor.
    private var deliveredPosition: UsherPosition?
    /// How far this device has read what is said to everyone.
    private(set) var broadcastPosition: BroadcastPosition?
    /// Pages of a snapshot are still to come.
    private var isSnapshotOpen = false
    /// The newest position, as the welcome says.
    private var head: UsherPosition?
    /// Events up to here are not delivered to the app: they were, or are the past of a new device.
    private var past: UsherPosition?
    /// The highest event that was received and not applied.
    private var highestSkipped: UsherPosition?

    init(deviceId: String, positions: StoredPositions) {
        self.deviceId = deviceId
        self.positions = positions
    }

    var position: UsherPosition? { cursor?.position ?? deliveredPosition }

    /// True if an event beyond the cursor and its replay was received. The server does not send it again unless asked.
    var isBehind: Bool {
        guard let cursor, let highestSkipped, highestSkipped.epoch == cursor.position.epoch else { return false }
        return highestSkipped.offset > max(cursor.position.offset, cursor.replayEnd)
    }

    /// Discards everything of the previous user. Returns true if there was another one.
    func setUser(_ userId: String) -> Bool {
        if let known = self.userId, isSame(known, userId) { return false }
        let hadOtherUser = self.userId != nil
        generation += 1
        self.userId = userId
        isPositionLoaded = false
        loadFailures = 0
        state = UsherState()
        cursor = nil
        highestSkipped = nil
        past = nil
        deliveredPosition = nil
        broadcastPosition = nil
        return hadOtherUser
    }

    /// Reads the user's stored position, once per user. An attempt that is given up while it waits here leaves it to the next one: a position that is
    /// taken for none would lose the events that were missed. Throws `UsherError` with the code `storage` if it cannot be read; see `maxLoadAttempts`.
    func loadPosition() async throws {
        guard let userId, !isPositionLoaded else { return }
        let current = generation
        var stored: StoredPosition?
        do {
            stored = try await positions.load(userId)
        } catch let error as UsherError {
            guard current == generation else { return }
            delegate?.storageFailed(error)
            loadFailures += 1
            if loadFailures < Inbox.maxLoadAttempts { throw error }
        }
        guard current == generation else { return }
        isPositionLoaded = true
        if position == nil { deliveredPosition = stored?.position }
        if broadcastPosition == nil, let stored, let number = stored.broadcast {
            broadcastPosition = BroadcastPosition(epoch: stored.position.epoch, number: number)
        }
    }

    func handleWelcome(_ welcome: Welcome) -> AfterWelcome {
        let replay = welcome.isReplay ? cursor?.beginReplay(to: welcome.position) : nil
        if replay == nil { discardCursor() }
        cursor = replay
        head = welcome.position
        isSnapshotOpen = false
        if replay != nil { return .replay }
        return welcome.isReplay ? .mismatch : .snapshot
    }

    /// The next connection asks for a snapshot. Which events were delivered is remembered.
    func discardCursor() {
        deliveredPosition = position
        cursor = nil
    }

    /// Applies a snapshot, or the next page of one, and delivers what the app has missed.
    func handleSnapshot(_ payload: JSONValue?) async -> AfterSnapshot {
        guard var snapshot = Snapshot(payload) else { return .unreadable }
        snapshot.entries = snapshot.entries.filter { isRelevant($0) }
        if isSnapshotOpen { for entry in snapshot.entries { state.apply(entry) } } else { begin(snapshot) }
        delegate?.stateChanged() // a screen need not wait for handlers
        let (current, news) = (generation, snapshot.entries.filter { !isPast($0) })
        var delivered: [Envelope] = []
        for entry in news {
            await delegate?.handle(entry)
            guard current == generation else { return .abandoned }
            delivered.append(entry)
            if delegate?.isClosed == true { break }
        }
        // A client that was closed meanwhile stores how far it came: its entries are in offset order, and the next client hears the rest.
        let isWhole = delivered.count == news.count
        let position = isWhole ? snapshot.position : UsherPosition(epoch: snapshot.position.epoch, offset: delivered.last?.offset ?? 0)
        isSnapshotOpen = snapshot.hasMore
        cursor = Cursor(position: position, replayEnd: position.offset)
        await savePosition()
        for entry in delivered { delegate?.committed(entry) }
        if !isWhole { return .abandoned }
        return snapshot.hasMore ? .incomplete : .complete
    }

    /// Applies, delivers and acknowledges an event. Returns false if an event before it is missing.
    func handleEvent(_ event: Envelope, acknowledge: @UsherActor () -> Void) async -> Bool {
        if let offset = event.offset { return await handleDurable(event, offset, acknowledge: acknowledge) }
        if let number = event.broadcast, let epoch = event.epoch {
            return await handleBroadcast(event, BroadcastPosition(epoch: epoch, number: number), acknowledge: acknowledge)
        }
        let current = generation
        if isRelevant(event) {
            await delegate?.handle(event)
            guard current == generation else { return true }
            state.apply(event)
            delegate?.stateChanged()
            delegate?.committed(event)
        }
        acknowledge()
        return true
    }

    /// Adds this device's own playback position to the state. Of two of the same time the later call is the newer one.
    func addProgress(_ row: PlaybackProgress) {
        state.playback.removeAll { $0.isSameShow(as: row) && $0.deviceId == row.deviceId && $0.at == row.at }
        state.apply(row)
        delegate?.stateChanged()
    }

    private func handleDurable(_ event: Envelope, _ offset: Int, acknowledge: @UsherActor () -> Void) async -> Bool {
        switch Cursor.check(cursor, epoch: event.epoch, offset: offset) {
        case .duplicate:
            acknowledge() // the first acknowledgement was lost
            return true
        case .gap:
            recordSkipped(event, offset)
            return false
        case .noCursor:
            recordSkipped(event, offset)
            return true
        case .next: break
        }
        guard let before = cursor else { return true }
        let (current, isRelevant) = (generation, isRelevant(event))
        let isNews = isRelevant && !isPast(event)
        if isNews { await delegate?.handle(event) }
        guard current == generation else { return true } // another user signed in while the handler ran
        if isRelevant { state.apply(event) }
        // The cursor may have been discarded while the handler ran. The next snapshot must not deliver the event again.
        let position = UsherPosition(epoch: before.position.epoch, offset: offset)
        if cursor == nil { deliveredPosition = position } else { cursor?.position = position }
        await savePosition()
        acknowledge()
        if isNews { delegate?.committed(event) }
        return true
    }

    /// Delivers what is said to everyone. It is no part of the user's state, and none is missing: the server sends all after our number.
    private func handleBroadcast(_ event: Envelope, _ position: BroadcastPosition, acknowledge: @UsherActor () -> Void) async -> Bool {
        if broadcastPosition?.includes(position) != true {
            let (current, isRelevant) = (generation, isRelevant(event))
            if isRelevant { await delegate?.handle(event) }
            guard current == generation else { return true } // another user signed in while the handler ran
            broadcastPosition = position
            await savePosition()
            if isRelevant { delegate?.committed(event) }
        }
        acknowledge()
        return true
    }

    /// Takes a snapshot over, and remembers which of its events are the past: those that the app has received. On a new device that is all of
    /// them, and in a new epoch nobody can tell, so the app has only the state to go by. It is still so if the connection ends between two
    /// pages, and the next one replays the rest.
    private func begin(_ snapshot: Snapshot) {
        let epoch = snapshot.position.epoch
        let newest = head?.epoch == epoch ? head : snapshot.position
        let known = deliveredPosition?.epoch == epoch ? deliveredPosition : newest
        let isFurther = past?.epoch == epoch && past?.offset ?? 0 > known?.offset ?? 0
        if !isFurther { past = known }
        state.apply(snapshot)
    }

    private func isPast(_ event: Envelope) -> Bool {
        guard let past, let offset = event.offset else { return false }
        return offset <= past.offset && (event.epoch ?? past.epoch) == past.epoch
    }

    private func isRelevant(_ event: Envelope) -> Bool { event.isRelevant(to: deviceId, nowMs: delegate?.nowMs ?? 0) }

    /// A position within the past is not stored: after a restart the rest of the past would be delivered.
    private func savePosition() async {
        guard let position, let userId else { return }
        let isWithinPast = past?.epoch == position.epoch && position.offset < past?.offset ?? 0
        if !isWithinPast {
            let number = broadcastPosition?.epoch == position.epoch ? broadcastPosition?.number : nil
            let stored = StoredPosition(position: position, broadcast: number)
            do { try await positions.save(stored, for: userId) } catch { delegate?.storageFailed(UsherError(error, code: "storage")) }
        }
        delegate?.stateChanged()
    }

    private func recordSkipped(_ event: Envelope, _ offset: Int) {
        let epoch = event.epoch ?? cursor?.position.epoch ?? ""
        if let known = highestSkipped, known.epoch == epoch, known.offset >= offset { return }
        highestSkipped = UsherPosition(epoch: epoch, offset: offset)
    }
}
