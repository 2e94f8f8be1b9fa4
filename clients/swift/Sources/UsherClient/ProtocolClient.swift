@UsherActor
protocol ProtocolClientDelegate: AnyObject {
    /// True from the moment in which the app called `close`, or the server refused for good.
    var isClosed: Bool { get }
    func handle(_ event: Envelope) async
    func committed(_ event: Envelope)

    /// The state may have changed.
    func stateChanged()
    func wentOffline(_ error: UsherError)
    func wasRefused(_ error: UsherError)

    /// An error that the client recovers from.
    func report(_ error: any Error)
}

/// Speaks the device socket's protocol (docs/CONTRACT.md): passes each frame to the part of the client that handles it.
@UsherActor
final class ProtocolClient {
    private struct Waiting {
        let connection: SocketConnection
        let frame: Frame
        let size: Int
    }

    /// Asked for once more: what the server sent shortly before it was last heard of. Its times and ours are not exact.
    private static let overlapMs = 60_000

    /// A token provider that hangs must not block the next renewal for ever.
    private static let maxRenewalMs = 60_000

    /// Frames that wait for slow handlers. More end the connection: what was not acknowledged comes again.
    private static let maxWaitingFrames = 1_000
    private static let maxWaitingBytes = 8 * 1_024 * 1_024

    /// Seconds between two heartbeats, as the latest welcome says.
    private(set) var heartbeatSeconds = Welcome.defaultHeartbeatSeconds
    let clock: ServerClock
    let inbox: Inbox
    let outbox: Outbox
    private weak var delegate: (any ProtocolClientDelegate)?
    private let configuration: UsherConfiguration
    private let socket: ReconnectingSocket
    private let resync: Resync
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var isHandling = false
    private var hasReportedStorage = false
    private var isRenewingToken = false

    init(_ configuration: UsherConfiguration, timers: Timers, transport: any UsherTransport, delegate: any ProtocolClientDelegate) {
        self.configuration = configuration
        self.delegate = delegate
        let positions = StoredPositions(
            store: configuration.positions, url: configuration.address, deviceId: configuration.deviceId, clock: configuration.clock
        )
        clock = ServerClock(configuration.clock)
        inbox = Inbox(deviceId: configuration.deviceId, positions: positions)
        socket = ReconnectingSocket(configuration, timers: timers, transport: transport)
        outbox = Outbox(timers: timers, socket: socket)
        resync = Resync(timers: timers, socket: socket, random: configuration.random)
        inbox.delegate = self
        socket.delegate = self
        resync.delegate = self
    }

    /// What the device knows now.
    var state: UsherState {
        var state = inbox.state
        state.position = inbox.position
        state.connection = socket.connection
        return state
    }

    func open() { socket.connect() }

    /// The system reports that the network is back.
    func retrySoon() { socket.retrySoon() }

    /// Closes for good. Messages that were not sent fail with `reason`.
    func close(_ reason: UsherError) {
        socket.close()
        resync.stop()
        outbox.close(reason)
    }

    /// Handles one frame after the other. What a connection brought that has ended since is dropped: its successor brings it again.
    /// So is everything once `close` has returned, even before the client gets to disconnect.
    private func handleWaiting() async {
        while !waiting.isEmpty {
            let next = waiting.removeFirst()
            waitingBytes -= next.size
            if next.connection.isActive, !isClosed { await handle(next.frame, from: next.connection) }
        }
        isHandling = false
    }

    private func handle(_ frame: Frame, from connection: SocketConnection) async {
        switch frame.name {
        case FrameName.welcome: await handleWelcome(frame, from: connection)
        case FrameName.snapshot: await handleSnapshot(frame, from: connection)
        default: await handleEvent(frame, from: connection)
        }
    }

    private func handleWelcome(_ frame: Frame, from connection: SocketConnection) async {
        guard let welcome = Welcome(frame.payload) else { return startOver("the welcome cannot be read") }
        if !socket.isLive { clock.synchronize(welcome.serverTimeMs, requestedAtMs: socket.attemptStartedAt) }
        heartbeatSeconds = welcome.heartbeatSeconds
        do {
            try await setUser(welcome.userId)
        } catch {
            if connection.isActive { socket.reconnect(UsherError(error, code: "storage")) }
            return
        }
        guard connection.isActive else { return }
        switch inbox.handleWelcome(welcome) {
        case .mismatch: startOver("the replay does not continue our position")
        case .replay: resume()
        case .snapshot: return
        }
    }

    private func handleSnapshot(_ frame: Frame, from connection: SocketConnection) async {
        let result = await inbox.handleSnapshot(frame.payload)
        guard connection.isActive else { return }
        switch result {
        case .unreadable: return startOver("the snapshot cannot be read")
        case .abandoned: return
        case .complete, .incomplete: connection.acknowledge(frame) // the next page follows it
        }
        if result == .complete { return resume() }
        socket.extendWelcome()
        resync.extend()
    }

    private func handleEvent(_ frame: Frame, from connection: SocketConnection) async {
        guard let event = Envelope(frame.payload) else {
            delegate?.report(UsherError.brokenProtocol("a frame without an event was ignored", retryable: false))
            return
        }
        let isComplete = await inbox.handleEvent(event) { connection.acknowledge(frame) }
        if !isComplete, connection.isActive { resync.start() }
    }

    private func resume() {
        socket.markLive()
        if inbox.isBehind { resync.restart() } else { resync.stop() }
        outbox.flush()
    }

    private func handleGoaway(_ goaway: Goaway) {
        // Two devices with the same id would replace each other for ever.
        if goaway.isSuperseded {
            return socket.fail(UsherError(code: "superseded", message: "this device connected elsewhere", retryable: false))
        }
        let error = UsherError(code: "goaway", message: "the server asked us to come back later", retryable: true)
        socket.reconnect(error, retryAfterMs: goaway.retryAfterMs)
    }

    /// If it fails, the server closes the connection when the token expires, and the next attempt fetches a token of its own.
    /// One renewal at a time, however often the server asks.
    private func renewToken() async {
        guard configuration.token.isRenewable, !isRenewingToken else { return }
        isRenewingToken = true
        defer { isRenewingToken = false }
        do {
            let token = try await configuration.fetchToken(within: ProtocolClient.maxRenewalMs)
            _ = try await socket.request("token.refresh", ["token": .string(token)])
        } catch {
            if socket.isLive { delegate?.report(UsherError(error, code: "token_unavailable")) }
        }
    }

    /// Messages of the previous user must not be sent in the name of the next one. Throws `UsherError` with the code `storage`.
    private func setUser(_ userId: String) async throws {
        if inbox.setUser(userId) {
            outbox.discard(.userChanged)
            delegate?.stateChanged()
        }
        try await inbox.loadPosition()
    }

    /// Reconnects with backoff and asks for a snapshot, which is right whatever went wrong.
    private func startOver(_ message: String) {
        inbox.discardCursor()
        socket.reconnect(.brokenProtocol(message, retryable: true))
    }
}

extension ProtocolClient: ReconnectingSocketDelegate, ResyncDelegate {
    var isBusy: Bool { isHandling }
    var resumePosition: UsherPosition? { inbox.cursor?.position }

    func makeAuth(token: String, downMs: Int) async throws -> JSONValue {
        if let userId = readTokenSubject(token) { try await setUser(userId) }
        var auth: [String: JSONValue] = [
            "deviceId": .string(configuration.deviceId), "platform": .string(configuration.platform), "token": .string(token),
        ]
        if let appVersion = configuration.appVersion { auth["appVersion"] = .string(appVersion) }
        if let profileId = configuration.profileId { auth["profileId"] = .string(profileId) }
        let resumed = Cursor.resumePosition(inbox.cursor, downMs: downMs)
        // One epoch for both: a number of another one means nothing beside the position.
        if let broadcast = inbox.broadcastPosition, resumed == nil || resumed?.epoch == broadcast.epoch {
            auth["epoch"] = .string(broadcast.epoch)
            auth["broadcast"] = .string(String(broadcast.number))
        }
        if let position = resumed {
            auth["epoch"] = .string(position.epoch)
            auth["offset"] = .string(String(position.offset))
            auth["since"] = .string(formatTime(clock.nowMs - downMs - ProtocolClient.overlapMs))
        }
        return .object(auth)
    }

    func receive(_ frame: Frame, size: Int, from connection: SocketConnection) {
        switch frame.name {
        // These do not wait for slow handlers.
        case FrameName.goaway: return handleGoaway(Goaway(frame.payload))
        case FrameName.tokenExpiring:
            Task { await self.renewToken() }
            return
        default: break
        }
        guard waiting.count < ProtocolClient.maxWaitingFrames, waitingBytes <= ProtocolClient.maxWaitingBytes else {
            return socket.reconnect(UsherError(code: "slow", message: "more events arrive than handlers take", retryable: true))
        }
        waiting.append(Waiting(connection: connection, frame: frame, size: size))
        waitingBytes += size
        guard !isHandling else { return }
        isHandling = true
        Task { await self.handleWaiting() }
    }

    func connectionChanged() {
        if !socket.isLive { resync.stop() }
        delegate?.stateChanged()
    }

    func wentOffline(_ error: UsherError) { delegate?.wentOffline(error) }

    func wasRefused(_ error: UsherError) { delegate?.wasRefused(error) }

    func resyncGaveUp(_ error: UsherError) { startOver("sync failed: \(error.message)") }
}

extension ProtocolClient: InboxDelegate {
    var nowMs: Int { clock.nowMs }
    var isClosed: Bool { delegate?.isClosed ?? true }

    func handle(_ event: Envelope) async { await delegate?.handle(event) }

    func committed(_ event: Envelope) { delegate?.committed(event) }

    func stateChanged() { delegate?.stateChanged() }

    func storageFailed(_ error: UsherError) {
        guard !hasReportedStorage else { return } // once is enough: it would be repeated with each event
        hasReportedStorage = true
        delegate?.report(error)
    }
}
