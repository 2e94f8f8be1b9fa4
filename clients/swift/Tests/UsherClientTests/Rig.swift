import Foundation

@testable import UsherClient

/// A client with a pretend server, on virtual time. Everything runs on the thread of the test.
final class Rig: @unchecked Sendable {
    let time: VirtualTime
    private(set) var client: Usher!
    private(set) var sockets: [FakeSocket] = []
    /// What was stored and acknowledged, in order.
    var log: [String] = []
    /// The codes of the signals, each after its kind.
    private(set) var signals: [String] = []
    var token = "ann"

    init(_ time: VirtualTime, positions: (any PositionStore)? = nil, setUp: (Usher) -> Void = { _ in }) throws {
        self.time = time
        let fetch: @Sendable () async throws -> String = { [weak self] in createToken(self?.token ?? "ann") }
        var configuration = try UsherConfiguration(
            url: URL(string: "https://usher.test")!, deviceId: "tv", platform: "tv", token: .provider(fetch)
        )
        configuration.positions = positions ?? RecordingPositions { [weak self] in self?.log.append("stored \($0)") }
        configuration.transport = Dialling { [weak self] _ in
            let socket = FakeSocket(time) { self?.log.append("acked \($0["offset"]?.text ?? "")") }
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
    func goLive(_ fields: JSONValue = [:], offset: Int = 0) throws {
        time.settle()
        try socket.sendFrame("welcome", createWelcome(fields, nowMs: time.wallMs))
        try socket.sendFrame("snapshot", createSnapshot(["offset": .number(Double(offset)), "epoch": fields["epoch"] ?? "e1"]))
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
    let record: (String) -> Void

    func text(named name: String) -> String? { nil }

    func store(_ text: String, named name: String) { record(JSONValue(parsing: text)?["offset"]?.text ?? "") }
}

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
