import Foundation

@testable import UsherClient

/// A message of the client that asks for an acknowledgement.
struct Sent {
    let id: Int
    let name: String
    let payload: JSONValue
}

/// What went wrong in a scenario.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// One connection of the pretend server: text messages in, text messages out (clients/conformance/README.md, "The fake"). Everything runs on the
/// thread of the test.
final class FakeSocket: UsherWebSocket, @unchecked Sendable {
    static let open = #"0{"sid":"s","upgrades":[],"pingInterval":20000,"pingTimeout":15000,"maxPayload":1000000}"#

    var sent: [Sent] = []
    private(set) var unacked: [Int: JSONValue] = [:]
    private(set) var auth: JSONValue?
    private(set) var isClosedByClient = false
    private(set) var isOpen = true
    private(set) var messages = 0
    private(set) var largestFrameBytes = 0
    private(set) var problems: [String] = []
    private let time: VirtualTime
    private let onAck: (JSONValue) -> Void
    private var texts = [FakeSocket.open]
    private var receiver: CheckedContinuation<String, any Error>?
    private var isAccepted = false
    private var nextId = 0
    private var stopPinging: () -> Void = {}

    init(_ time: VirtualTime, onAck: @escaping (JSONValue) -> Void) {
        self.time = time
        self.onAck = onAck
        schedulePing()
    }

    // MARK: What the server does

    func stopPings() { stopPinging() }

    func sendFrame(_ name: String, _ payload: JSONValue, asksForAck: Bool = false) throws {
        try accept()
        let id = asksForAck ? nextId : nil
        if let id {
            unacked[id] = payload
            nextId += 1
        }
        say("42\(id.map(String.init) ?? "")\(JSONValue.array([.string(name), payload]).text)")
    }

    func refuse(_ error: JSONValue) throws {
        guard auth != nil, !isAccepted else { throw Failure("there is no handshake to refuse") }
        say("44" + JSONValue.object(["message": error["code"] ?? .null, "data": error]).text)
    }

    func reply(to sent: Sent, _ payload: JSONValue) { say("43\(sent.id)[\(payload.text)]") }

    func cut() throws {
        guard isOpen else { throw Failure("the connection ended before") }
        end(.offline("cut"))
    }

    func say(_ text: String) {
        guard isOpen else { return }
        texts.append(text)
        guard let receiver else { return }
        self.receiver = nil
        receiver.resume(returning: texts.removeFirst())
    }

    private func accept() throws {
        guard !isAccepted else { return }
        guard auth != nil else { throw Failure("the client has not sent its handshake") }
        isAccepted = true
        say(#"40{"sid":"s"}"#)
    }

    private func schedulePing() {
        stopPinging = time.schedule(ms: 20_000) {
            self.schedulePing()
            self.say("2")
        }
    }

    private func end(_ error: UsherError) {
        isOpen = false
        stopPinging()
        receiver?.resume(throwing: error)
        receiver = nil
    }

    // MARK: What the client does

    func receive() async throws -> String {
        if !texts.isEmpty { return texts.removeFirst() }
        guard isOpen else { throw UsherError.offline("cut") }
        return try await withCheckedThrowingContinuation { receiver = $0 }
    }

    func send(_ text: String) {
        guard isOpen else { return }
        largestFrameBytes = max(largestFrameBytes, text.utf8.count)
        let digits = text.dropFirst(2).prefix { $0.isNumber }
        let body = JSONValue(parsing: String(text.dropFirst(2 + digits.count)))
        switch (text.prefix(2), Int(digits)) {
        case ("40", nil): auth = body
        case ("42", let id?):
            messages += 1
            sent.append(Sent(id: id, name: body?.elements.first?.string ?? "", payload: body?.elements.last ?? .null))
        case ("43", let id?):
            if let payload = unacked.removeValue(forKey: id) { onAck(payload) } else { problems.append("nobody asked for the acknowledgement \(id)") }
        case ("3", nil), ("41", nil), ("1", nil): return
        default: problems.append("unexpected message: \(text)")
        }
    }

    func close() {
        guard isOpen else { return }
        isClosedByClient = true
        end(.offline("closed"))
    }
}
