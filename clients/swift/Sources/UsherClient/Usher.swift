import Foundation

/// What `Usher.signals` reports beside the state.
public enum UsherSignal: Sendable {
    /// The connection was lost, or an attempt failed. The client reconnects by itself.
    case offline(UsherError)
    /// The server refused for good, and the client closed.
    case refused(UsherError)
    /// A handler threw, or an error occurred that the client recovers from.
    case failure(any Error)
}

/// One device of one user, kept in sync with the user's other devices. Made by `connect`, and closed by `close` or when nobody holds it any more.
/// All methods may be called anywhere and return at once.
public final class Usher: Sendable {
    private let output: ClientOutput
    private let calls: CallQueue
    private let lastLoop = Locked(0)

    /// Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once. Handlers that `setUp` adds miss nothing; the
    /// first connection is made after it.
    ///
    /// ```swift
    /// let usher = Usher.connect(configuration) {
    ///     $0.on(StreamStop.self) { event in await player.stop(event.data.streamId) }
    /// }
    /// ```
    public static func connect(_ configuration: UsherConfiguration, setUp: (Usher) -> Void = { _ in }) -> Usher {
        let usher = Usher(configuration)
        setUp(usher)
        usher.calls.post { $0.open() }
        return usher
    }

    private init(_ configuration: UsherConfiguration) {
        let output = ClientOutput()
        self.output = output
        calls = CallQueue { ClientCore(configuration, output) }
    }

    deinit { close() }

    // MARK: What the app knows

    /// What this device knows now. After an event it changes when the event's handlers have returned.
    public var state: UsherState { output.state.withLock { $0 } }

    /// The state now, and whenever it has changed. Who is slow gets only the newest. Ends when the client is closed.
    public var states: AsyncStream<UsherState> { output.states.subscribe { state } }

    /// Every event from now on, once it is committed: its handlers have returned and the position is stored. An app that dies meanwhile does not
    /// get it here again, so what must not be lost belongs into `on`. A subscriber that is 256 events behind loses the oldest, which is
    /// reported. Ends when the client is closed.
    public var events: AsyncStream<Envelope> { output.events.subscribe() }

    /// Lost connections and errors from now on. Failures go to the standard error while nobody subscribes. Ends after a refusal for good, or with
    /// `close`.
    public var signals: AsyncStream<UsherSignal> { output.signals.subscribe() }

    // MARK: Handlers

    /// Handles events of one type: one of Usher's own (`on(StreamStop.self) { … }`), or one of yours that conforms to `EventData`.
    ///
    /// Each durable event is delivered once and in order, also across restarts if the position is stored. It counts as received when its handlers
    /// have returned, and they run one after the other: store what must not be lost, and return. A handler that throws, or takes longer than
    /// `handlerTimeout`, is reported and blocks nothing. Do not wait in a handler for `heartbeat`, `applied` or `seen`. Data of another form is
    /// reported as a failure.
    @discardableResult
    public func on<Content: EventData>(
        _ type: Content.Type, _ handler: @escaping @Sendable (UsherEvent<Content>) async throws -> Void
    ) -> UsherSubscription {
        output.handlers.add(Content.eventType) { event in try await handler(event.with(data: event.data.decode(Content.self))) }
    }

    /// Handles events of this type, with their data as JSON.
    @discardableResult
    public func on(_ type: String, _ handler: @escaping @Sendable (Envelope) async throws -> Void) -> UsherSubscription {
        output.handlers.add(type, handler)
    }

    /// Handles every event.
    @discardableResult
    public func onAny(_ handler: @escaping @Sendable (Envelope) async throws -> Void) -> UsherSubscription {
        output.handlers.add(nil, handler)
    }

    // MARK: What the device says

    /// Sends this device's playback position to the server, and through it to the user's other devices. While offline only the newest of a show is
    /// kept. It is sent on reconnect, and the task waits for that. Fails with `UsherError`: the server's refusal, `timeout`, `queue_full`,
    /// `payload_too_large`, `user_changed` or `closed`. Cancelling the task gives up waiting, not the message.
    @discardableResult
    public func heartbeat(_ beat: Beat) -> Task<BeatAnswer, any Error> {
        let sent = Deferred<BeatAnswer>()
        calls.post { $0.heartbeat(beat, sent) }
        return Task { try await sent.value() }
    }

    /// Sends heartbeats by itself while `getBeat` says `playing`: as often as the server wants, first after one such interval, until it is cancelled.
    /// For the very last position call `heartbeat` with `paused` or `ended`.
    public func playing(_ getBeat: @escaping @Sendable () async throws -> Beat) -> UsherSubscription {
        let id = lastLoop.withLock { id in
            id += 1
            return id
        }
        calls.post { $0.startLoop(id, getBeat) }
        return UsherSubscription { [calls] in calls.post { $0.stopLoop(id) } }
    }

    /// Tells the server that the app has acted on this event. Waits for the connection like `heartbeat`.
    @discardableResult
    public func applied<Content>(_ event: UsherEvent<Content>) -> Task<Void, any Error> { applied(eventId: event.id) }

    /// Tells the server that a person has seen this event. Waits for the connection like `heartbeat`.
    @discardableResult
    public func seen<Content>(_ event: UsherEvent<Content>) -> Task<Void, any Error> { seen(eventId: event.id) }

    /// The same by the event's id, e.g. of a push.
    @discardableResult
    public func applied(eventId: String) -> Task<Void, any Error> { receipt("applied", eventId) }

    /// The same by the event's id, e.g. of a push that was tapped.
    @discardableResult
    public func seen(eventId: String) -> Task<Void, any Error> { receipt("seen", eventId) }

    /// The system reports that the network is back: the next attempt need not wait for long.
    public func networkAvailable() { calls.post { $0.retrySoon() } }

    /// Disconnects for good and stops every timer. What was not sent yet fails with `closed`; a handler that runs is let finish, and nothing more is
    /// delivered. To sign in another user, close and connect again.
    public func close() {
        output.isClosed.withLock { $0 = true }
        output.signals.finish()
        calls.post { $0.shutDown(.closed) }
    }

    private func receipt(_ state: String, _ eventId: String) -> Task<Void, any Error> {
        let response = Outbox.Response()
        calls.post { $0.send(.receipt(state: state, id: eventId), response) }
        return Task { _ = try await response.value() }
    }
}
