@testable import UsherClient

private let maxFrameBytes = 16_384

/// Runs a scenario with the real client.
final class Runner {
    private static let arguments: [String: [String]] = [
        "frame": ["payload"], "call": ["beat", "episodeIdLength", "from", "to", "idLength"], "expect": ["auth", "name", "payload", "ids", "times"],
    ]

    private let scenario: JSONValue
    private let time: VirtualTime
    private let world: World
    private var dialled = 0
    private var socket: FakeSocket?
    private var asked: [Sent] = []

    init(_ scenario: JSONValue, _ time: VirtualTime) throws {
        self.scenario = scenario
        self.time = time
        try expectKnown("scenario", scenario, "id", "promise", "given", "steps", "end")
        try expectKnown("given", scenario["given"] ?? [:], "random", "token", "fixedToken", "stored")
        world = try World(time, given: scenario["given"] ?? [:])
    }

    func run() throws {
        defer { world.close() }
        time.settle()
        for (n, step) in (scenario["steps"]?.elements ?? []).enumerated() {
            do {
                try take(step)
                time.settle()
            } catch {
                throw Failure("step \(n + 1) \(step.text): \(error)")
            }
        }
        try expectEqual(getPending(), [], "not taken by any step")
        try expectEqual(world.sockets.flatMap(\.problems) + world.problems, [], "problems")
        try expectEqual(world.sockets.filter { $0.largestFrameBytes > maxFrameBytes }.count, 0, "connections with a message above 16 KiB")
        for (name, value) in scenario["end"]?.fields ?? [:] { try checkEnd(name, value, world) }
    }

    private func current() throws -> FakeSocket {
        guard let socket else { throw Failure("no connection was dialled") }
        return socket
    }

    private func take(_ step: JSONValue) throws {
        let kinds = ["call", "expect", "frame"].filter { step[$0] != nil }
        guard let kind = kinds.first ?? step.fields.keys.first, let value = step[kind] else { throw Failure("an empty step") }
        let unknown = Set(step.fields.keys).subtracting([kind] + (Runner.arguments[kind] ?? []))
        if !unknown.isEmpty { throw Failure("unknown in step: \(unknown)") }
        switch kind {
        case "welcome": try current().sendFrame("welcome", createWelcome(value, nowMs: time.nowMs))
        case "snapshot": try sendSnapshot(createSnapshot(value))
        case "event": try current().sendFrame(createEvent(value).string("type"), createEvent(value), asksForAck: value["offset"] != nil || value["broadcast"] != nil)
        case "frame": try current().sendFrame(value.string ?? "", step["payload"] ?? .null)
        case "refuse": try current().refuse(value)
        case "reply": for sent in asked { try current().reply(to: sent, value) }
        case "cut": try current().cut()
        case "pings": try current().stopPings()
        case "advanceMs": time.advance(ms: value.wholeNumber ?? 0)
        case "sleepMs": time.advanceAsleep(ms: value.wholeNumber ?? 0)
        case "setClockMs": time.setClock(ms: Int(value.number ?? 0))
        case "online": world.client.networkAvailable()
        case "token": world.setToken(value.string ?? "")
        case "storage": world.storageFails = try choose(value, "fails", "works") == "fails"
        case "handler": world.handler = try choose(value, "throws", "closes", "works")
        case "call": try call(step)
        case "restart": try world.restart()
        case "close": world.client.close()
        case "expect": try expect(step)
        default: throw Failure("unknown step")
        }
    }

    private func choose(_ value: JSONValue, _ known: String...) throws -> String {
        guard let text = value.string, known.contains(text) else { throw Failure("unknown: \(value.text)") }
        return text
    }

    private func sendSnapshot(_ snapshot: JSONValue) throws {
        let asksForAck = snapshot["hasMore"]?.bool == true
        try current().sendFrame("snapshot", snapshot, asksForAck: asksForAck)
        time.settle()
        if asksForAck, try current().unacked.values.contains(snapshot) { throw Failure("the page was not acknowledged") }
    }

    private func call(_ step: JSONValue) throws {
        let numbers = step["from"] == nil ? [] : Array(step.int("from")...step.int("to"))
        let id = { (n: Int) in
            let length = step["idLength"]?.wholeNumber ?? 0
            return "e-\(n)" + String(repeating: "x", count: max(0, length - "e-\(n)".count))
        }
        switch step.string("call") {
        case "heartbeat": world.call(world.client.heartbeat(try createBeat(step)))
        case "heartbeats":
            for n in numbers {
                var beat = try createBeat([:])
                beat.showId = "show-\(n)"
                world.call(world.client.heartbeat(beat))
            }
        case "seen": for n in numbers { world.call(world.client.seen(eventId: id(n))) }
        case "applied": for n in numbers { world.call(world.client.applied(eventId: id(n))) }
        default: throw Failure("unknown call")
        }
    }

    private func createBeat(_ step: JSONValue) throws -> Beat {
        let fields = step["beat"] ?? [:]
        try expectKnown("beat", fields, "showId", "positionSeconds", "state", "at")
        guard let state = PlaybackState(rawValue: fields["state"]?.string ?? "playing") else { throw Failure("unknown state") }
        return Beat(
            showId: fields["showId"]?.string ?? "dark", positionSeconds: fields["positionSeconds"]?.number ?? 60, durationSeconds: 3_000,
            state: state, episodeId: step["episodeIdLength"]?.wholeNumber.map { String(repeating: "x", count: $0) }, at: fields["at"]?.string
        )
    }

    private func expect(_ step: JSONValue) throws {
        switch step.string("expect") {
        case "dial": try expectDial(step["auth"] ?? [:])
        case "sent": try expectSent(step)
        case "closed": try expectEqual(current().isClosedByClient, true, "closed by the client")
        case "nothing": try expectEqual(getPending(), [], "pending")
        default: throw Failure("unknown expectation")
        }
    }

    private func expectDial(_ auth: JSONValue) throws {
        guard dialled < world.sockets.count, let actual = world.sockets[dialled].auth else { throw Failure("the client did not dial") }
        if socket?.isOpen == true { throw Failure("the connection before is still open") }
        socket = world.sockets[dialled]
        dialled += 1
        for (name, value) in auth.fields { try expectEqual(actual[name] ?? .null, expected(name, value), name) }
    }

    private func expectSent(_ step: JSONValue) throws {
        let (times, socket) = (step["times"]?.wholeNumber ?? 1, try current())
        guard socket.sent.count >= times else { throw Failure("only \(socket.sent.count) messages") }
        asked = Array(socket.sent.prefix(times))
        socket.sent.removeFirst(times)
        for sent in asked {
            try expectEqual(sent.name, step.string("name"), "name")
            for (name, value) in step["payload"]?.fields ?? [:] { try expectEqual(sent.payload[name] ?? .null, expected(name, value), name) }
            if let ids = step["ids"] { try expectEqual(sent.payload["ids"]?.elements.count, ids.wholeNumber, "ids") }
        }
    }

    private func expected(_ name: String, _ value: JSONValue) -> JSONValue {
        name == "token" ? .string(createToken(value.string ?? "")) : value
    }

    /// Returns what the client did that no step took.
    private func getPending() -> [String] { world.sockets.dropFirst(dialled).map { _ in "dial" } + world.sockets.flatMap(\.sent).map(\.name) }
}
