@UsherActor
protocol ReconnectingSocketDelegate: AnyObject {
    /// Returns the handshake of this attempt. `downMs`: how long ago the server was last heard of while the device was live. An error ends the attempt.
    func makeAuth(token: String, downMs: Int) async throws -> JSONValue
    func receive(_ frame: Frame, size: Int, from connection: SocketConnection)

    /// True while frames that have arrived are not handled yet.
    var isBusy: Bool { get }
    func connectionChanged()

    /// A connection was lost or an attempt failed. The next attempt is scheduled.
    func wentOffline(_ error: UsherError)

    /// The server refused for good. The socket is closed.
    func wasRefused(_ error: UsherError)
}

/// Keeps one connection open: connects, and reconnects with backoff, until it is closed or refused for good.
@UsherActor
final class ReconnectingSocket {
    /// From the start of an attempt to its welcome (and snapshot, or its next page), in ms. A server that accepts and then sends nothing counts
    /// as lost.
    private static let welcomeTimeoutMs = 20_000
    private static let requestTimeoutMs = 10_000
    /// The server pings every 20 s. What comes after a longer silence was sent before the device fell asleep, and is read when it awakes.
    private static let maxSilenceMs = 60_000

    weak var delegate: (any ReconnectingSocketDelegate)?
    private(set) var connection = UsherState.Connection.offline
    /// When the latest attempt began, by `elapsedMs`.
    private(set) var attemptStartedAt = 0
    private let configuration: UsherConfiguration
    private let timers: Timers
    private let transport: any UsherTransport
    private var socket: SocketConnection?
    private var attempting: Task<Void, Never>?
    private var failures = 0
    /// A refused token was replaced once since the device was last live.
    private var hasRenewedToken = false
    /// The server asked for the current delay.
    private var isDelayRequested = false
    private var liveSince = 0
    /// When the server was last heard of on the connection that is live.
    private var heardAt = 0
    /// The same of the connection that was live last; before there was one, when the first one that ended was begun.
    private var lostAt: Int?

    init(_ configuration: UsherConfiguration, timers: Timers, transport: any UsherTransport) {
        self.transport = transport
        self.configuration = configuration
        self.timers = timers
    }

    var isLive: Bool { connection == .live }

    /// Starts an attempt now.
    func connect() {
        guard connection != .closed else { return }
        attemptStartedAt = configuration.clock.elapsedMs
        setConnection(.connecting)
        timers.clear("retry")
        startWelcomeTimer()
        attempting?.cancel()
        attempting = Task { await self.attempt() }
    }

    /// A page of the snapshot has arrived: the attempt goes on for as long as further ones come in time.
    func extendWelcome() {
        if connection == .connecting { startWelcomeTimer() }
    }

    /// The welcome, and the snapshot if there is one, have arrived.
    func markLive() {
        timers.clear("welcome")
        guard connection == .connecting else { return }
        liveSince = configuration.clock.elapsedMs
        heardAt = liveSince
        lostAt = nil
        hasRenewedToken = false
        setConnection(.live)
    }

    /// Closes this connection and reconnects with backoff, not before `retryAfterMs`.
    func reconnect(_ error: UsherError, retryAfterMs: Int? = nil) {
        socket?.close()
        scheduleRetry(error, retryAfterMs)
    }

    /// Sends a request. Throws like `SocketConnection.request`.
    func request(_ name: String, _ payload: JSONValue) async throws -> JSONValue {
        guard let socket else { throw UsherError.offline("not connected") }
        return try await socket.request(name, payload, timeoutMs: ReconnectingSocket.requestTimeoutMs)
    }

    /// The network is back. Waiting on is of no use, unless the server asked for it.
    func retrySoon() {
        if connection == .offline, !isDelayRequested { setRetryTimer(Backoff.delayMs(attempt: 0, random: configuration.random())) }
    }

    /// Closes for good. Closing twice does no harm.
    func close() {
        guard connection != .closed else { return }
        attempting?.cancel()
        socket?.close()
        socket = nil
        setConnection(.closed)
    }

    /// Closes for good and reports why.
    func fail(_ error: UsherError) {
        guard connection != .closed else { return }
        close()
        delegate?.wasRefused(error)
    }

    /// Ends without a trace if it was given up meanwhile.
    private func attempt() async {
        let token: String
        do {
            token = try await configuration.fetchToken(within: ReconnectingSocket.welcomeTimeoutMs)
        } catch {
            return Task.isCancelled ? () : reconnect(UsherError(error, code: "token_unavailable"))
        }
        let downMs = configuration.clock.elapsedMs - (lostAt ?? attemptStartedAt)
        guard !Task.isCancelled, let delegate else { return }
        let auth: JSONValue
        do {
            auth = try await delegate.makeAuth(token: token, downMs: downMs)
        } catch {
            return Task.isCancelled ? () : reconnect(UsherError(error, code: "storage"))
        }
        guard !Task.isCancelled else { return }
        let webSocket = transport.connect(to: configuration.socketURL)
        socket = SocketConnection(webSocket, auth: auth, timers: timers, clock: configuration.clock, delegate: self)
    }

    private func startWelcomeTimer() {
        timers.set("welcome", ms: ReconnectingSocket.welcomeTimeoutMs) { [weak self] in
            guard let self else { return }
            // Our own handlers may be slow: then the server did its part.
            if delegate?.isBusy == true { startWelcomeTimer() } else { reconnect(.timeout("no welcome in time")) }
        }
    }

    private func scheduleRetry(_ error: UsherError, _ retryAfterMs: Int?) {
        guard connection != .closed else { return }
        attempting?.cancel()
        socket = nil
        recordLoss()
        timers.clear("welcome")
        isDelayRequested = retryAfterMs != nil
        setRetryTimer(Backoff.delayMs(attempt: failures, random: configuration.random(), retryAfterMs: retryAfterMs))
        failures += 1
        setConnection(.offline)
        delegate?.wentOffline(error)
    }

    private func setRetryTimer(_ delayMs: Int) {
        timers.set("retry", ms: delayMs) { [weak self] in self?.connect() }
    }

    private func recordLoss() {
        lostAt = lostAt ?? attemptStartedAt // pages of a first snapshot may have come
        guard connection == .live else { return }
        lostAt = heardAt
        failures = Backoff.failures(after: configuration.clock.elapsedMs - liveSince, failures: failures)
    }

    private func setConnection(_ next: UsherState.Connection) {
        guard connection != next else { return }
        connection = next
        delegate?.connectionChanged()
    }
}

extension ReconnectingSocket: SocketConnectionDelegate {
    func heard() {
        let now = configuration.clock.elapsedMs
        if isLive, now - heardAt <= ReconnectingSocket.maxSilenceMs { heardAt = now }
    }

    func receive(_ frame: Frame, size: Int, from connection: SocketConnection) {
        delegate?.receive(frame, size: size, from: connection)
    }

    func connectionEnded(_ error: UsherError) {
        let canRenewToken = error.isAboutToken && configuration.token.isRenewable
        let isFinal = error.isAboutToken ? !canRenewToken : !error.retryable
        if isFinal { return fail(error) }
        guard canRenewToken, !hasRenewedToken else { return scheduleRetry(error, error.retryAfterMs) }
        hasRenewedToken = true
        recordLoss()
        socket = nil
        connect()
    }
}
