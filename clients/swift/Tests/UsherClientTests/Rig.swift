import Foundation

@testable import UsherClient

/// A client with a pretend server, on virtual time. Everything runs on the thread of the test.
final class Rig: @unchecked Sendable {
    /// How the app differs from the usual one.
    struct Given: Sendable {
        var handlerTimeout: TimeInterval = 60
        var beforeToken: @Sendable () async throws -> Void = {}
        /// Returns the stored position as JSON.
        var readStored: @Sendable () async throws -> String? = { nil }
    }

    let time: VirtualTime
    private(set) var client: Usher!
    private(set) var sockets: [FakeSocket] = []
    /// What was stored and acknowledged, in order.
    var log: [String] = []
    /// The codes of the signals, each after its kind.
    private(set) var signals: [String] = []
    var token = "ann"
    /// Called when the client acknowledges an event.
    var onAck: () -> Void = {}

    init(
        _ time: VirtualTime, given: Given = Given(), positions: (any PositionStore)? = nil, setUp: (Usher) -> Void = { _ in }
    ) throws {
        self.time = time
        let fetch: @Sendable () async throws -> String = { [weak self] in
            try await given.beforeToken()
            return createToken(self?.token ?? "ann")
        }
        var configuration = try UsherConfiguration(
            url: URL(string: "https://usher.test")!, deviceId: "tv", platform: "tv", token: .provider(fetch)
        )
        configuration.positions = positions ?? RecordingPositions(read: given.readStored) { [weak self] in self?.log.append("stored \($0)") }
        configuration.handlerTimeout = given.handlerTimeout
        configuration.transport = Dialling { [weak self] _ in
            let socket = FakeSocket(time) {
                self?.log.append("acked \($0["offset"]?.text ?? "")")
                self?.onAck()
            }
            self?.sockets.append(socket)
            return socket
        }
        configuration.clock = time
        configuration.random = { 0.5 }
        client = Usher.connect(configuration) { usher in
            setUp(usher)
            let signals = usher.signals
            Task { [weak self] in for await signal in signals { self?.record(signal) } }
        }
    }

    var socket: FakeSocket { sockets[sockets.count - 1] }

    /// Lets the client go, as an app does that no longer needs it.
    func dropClient() { client = nil }

    /// Welcomes the device and brings it up to date.
    func goLive(_ fields: JSONValue = [:], offset: Int = 0, entries: JSONValue = []) throws {
        time.settle()
        let position: [String: JSONValue] = ["offset": .number(Double(offset)), "epoch": fields["epoch"] ?? "e1"]
        let welcome = JSONValue.object(position.merging(fields.fields) { _, given in given })
        try socket.sendFrame("welcome", createWelcome(welcome, nowMs: time.wallMs))
        try socket.sendFrame("snapshot", createSnapshot(.object(position.merging(["entries": entries]) { $1 })))
        time.settle()
    }

    func resume(offset: Int) throws {
        time.settle()
        try socket.sendFrame("welcome", createWelcome(["offset": .number(Double(offset)), "resume": "replay"], nowMs: time.wallMs))
        time.settle()
    }

    /// Sends an event with the defaults of the scenarios.
    func event(_ fields: JSONValue) throws {
        let event = createEvent(fields)
        try socket.sendFrame(event.string("type"), event, asksForAck: event["offset"] != nil)
        time.settle()
    }

    /// Answers the first message.
    func reply(_ payload: JSONValue) throws {
        guard !socket.sent.isEmpty else { throw Failure("there is no message to answer") }
        socket.reply(to: socket.sent.removeFirst(), payload)
        time.settle()
    }

    private func record(_ signal: UsherSignal) {
        switch signal {
        case .offline(let error): signals.append("offline \(error.code)")
        case .refused(let error): signals.append("refused \(error.code)")
        case .failure(let error): signals.append("failure \((error as? UsherError)?.code ?? "app")")
        }
    }
}

private struct RecordingPositions: PositionStore, @unchecked Sendable {
    let read: @Sendable () async throws -> String?
    let record: (String) -> Void

    func text(named name: String) async throws -> String? { try await read() }

    func store(_ text: String, named name: String) { record(JSONValue(parsing: text)?["offset"]?.text ?? "") }
}

/// The text of a stored position.
func positionText(_ offset: Int) -> String { #"{"epoch":"e1","offset":\#(offset)}"# }

/// Lets a handler wait for the test.
final class Gate: @unchecked Sendable {
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isOpen = false

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

/// A list that tasks append to.
final class Recorder<Element>: @unchecked Sendable {
    var all: [Element] = []
}

/// Follows a task, whose result is there after settling.
func outcome<Success: Sendable>(of task: Task<Success, any Error>) -> Recorder<String> {
    let recorder = Recorder<String>()
    Task {
        switch await task.result {
        case .success: recorder.all.append("ok")
        case .failure(let error): recorder.all.append((error as? UsherError)?.code ?? "\(type(of: error))")
        }
    }
    return recorder
}
