import Foundation

/// What the app sees of a client, and may look at without waiting.
final class ClientOutput: Sendable {
    private static let bufferedEvents = 256
    private static let bufferedSignals = 64

    let handlers = Handlers()
    let events = Broadcast<Envelope>(limit: bufferedEvents)
    let signals = Broadcast<UsherSignal>(limit: bufferedSignals)
    let states = Broadcast<UsherState>(limit: 1)
    let state = Locked(UsherState())
    /// The app called `close`, or the server refused for good.
    let isClosed = Locked(false)

    /// A bug in the app must not disappear here.
    func report(_ error: any Error) {
        if !signals.hasSubscribers { FileHandle.standardError.write(Data("Usher: \(error)\n".utf8)) }
        signals.send(.failure(error))
    }
}

/// One client at work.
@UsherActor
final class ClientCore {
    private let configuration: UsherConfiguration
    private let output: ClientOutput
    private let timers: Timers
    /// Set if the configuration has no transport.
    private let ownTransport: URLSessionTransport?
    private let transport: any UsherTransport
    private lazy var client = ProtocolClient(configuration, timers: timers, transport: transport, delegate: self)
    private var loops: [Int: HeartbeatLoop] = [:]

    init(_ configuration: UsherConfiguration, _ output: ClientOutput) {
        self.configuration = configuration
        self.output = output
        timers = Timers(configuration.clock)
        if let transport = configuration.transport {
            (self.transport, ownTransport) = (transport, nil)
        } else {
            let transport = URLSessionTransport()
            (self.transport, ownTransport) = (transport, transport)
        }
    }

    func open() { client.open() }

    func retrySoon() { client.retrySoon() }

    /// Sends a beat. `sent` gets the answer.
    func heartbeat(_ beat: Beat, _ sent: Deferred<BeatAnswer>) {
        let complete = beat.completed(profileId: configuration.profileId ?? "main", nowMs: client.nowMs)
        let response = Outbox.Response()
        client.outbox.send(complete.message, response)
        Task {
            do {
                let nextSeconds = try await response.value()["nextSeconds"]?.seconds
                client.inbox.addProgress(PlaybackProgress(complete, deviceId: configuration.deviceId))
                sent.succeed(BeatAnswer(nextSeconds: nextSeconds ?? client.heartbeatSeconds))
            } catch {
                sent.fail(error)
            }
        }
    }

    func send(_ message: OutgoingMessage, _ response: Outbox.Response) { client.outbox.send(message, response) }

    func startLoop(_ id: Int, _ getBeat: @escaping @Sendable () async throws -> Beat) {
        let loop = HeartbeatLoop(name: "heartbeat \(id)", timers: timers, clock: configuration.clock, delegate: self, getBeat: getBeat)
        loops[id] = loop
        loop.start()
    }

    func stopLoop(_ id: Int) { loops.removeValue(forKey: id)?.stop() }

    /// Closes for good and stops every timer. A handler that runs is let finish.
    func shutDown(_ reason: UsherError) {
        output.isClosed.withLock { $0 = true }
        timers.stop()
        for id in Array(loops.keys) { stopLoop(id) }
        client.close(reason)
        output.events.finish()
        output.states.finish()
        ownTransport?.close()
    }
}

extension ClientCore: ProtocolClientDelegate, HeartbeatLoopDelegate {
    var isClosed: Bool { output.isClosed.withLock { $0 } }
    var heartbeatSeconds: Double { client.heartbeatSeconds }

    func handle(_ event: Envelope) async {
        let timeoutMs = milliseconds(configuration.handlerTimeout)
        await output.handlers.handle(event, within: timeoutMs, on: configuration.clock) { output.report($0) }
    }

    func committed(_ event: Envelope) {
        for _ in 0..<output.events.send(event) {
            output.report(UsherError(code: "slow", message: "a subscriber of events is too slow and lost one", retryable: false))
        }
    }

    func stateChanged() {
        let state = client.state
        output.state.withLock { $0 = state }
        output.states.send(state)
    }

    func wentOffline(_ error: UsherError) { output.signals.send(.offline(error)) }

    func wasRefused(_ error: UsherError) {
        shutDown(error)
        output.signals.send(.refused(error))
        output.signals.finish()
    }

    func report(_ error: any Error) { output.report(error) }

    func send(_ beat: Beat) async throws -> BeatAnswer {
        let sent = Deferred<BeatAnswer>()
        heartbeat(beat, sent)
        return try await sent.value()
    }
}
