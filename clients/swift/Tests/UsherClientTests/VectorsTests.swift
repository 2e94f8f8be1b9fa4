import Foundation
import XCTest

@testable import UsherClient

/// The folder with scenarios and vectors for every client.
let conformanceFolder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../conformance").standardized

/// Returns the parsed JSONValue files of a folder of clients/conformance, by name.
func readConformance(_ folder: String) throws -> [(name: String, value: JSONValue)] {
    let files = try FileManager.default.contentsOfDirectory(at: conformanceFolder.appendingPathComponent(folder), includingPropertiesForKeys: nil)
    let names = files.map(\.lastPathComponent).filter { $0.hasSuffix(".json") }.sorted()
    XCTAssertFalse(names.isEmpty, "no files in \(folder)")
    return try names.map { name in
        let text = try String(contentsOf: conformanceFolder.appendingPathComponent("\(folder)/\(name)"), encoding: .utf8)
        return (name, try XCTUnwrap(JSONValue(parsing: text), name))
    }
}

/// The pure rules give the results that `clients/conformance/vectors` lists. A table that this file does not know is a failure.
final class VectorsTests: XCTestCase {
    func testEveryRowOfEveryTable() throws {
        for (file, tables) in try readConformance("vectors") {
            for (table, rows) in tables.fields {
                let check = try XCTUnwrap(checks["\(file)/\(table)"], "unknown table \(file)/\(table)")
                for (n, row) in rows.elements.enumerated() {
                    if let problem = check(row) { XCTFail("\(file)/\(table)[\(n)] \(row.text): \(problem)") }
                }
                print("conformance \(file)/\(table): \(rows.elements.count) rows")
            }
        }
    }
}

/// Returns what is wrong with a row, or nil.
private typealias Check = (JSONValue) -> String?

private nonisolated(unsafe) let checks: [String: Check] = [
    "backoff.json/delays": { row in
        let delay = Backoff.delayMs(attempt: row.int("attempt"), random: row.double("random"), retryAfterMs: row["retryAfterMs"]?.number.map { Int($0) })
        return differ(delay, row.int("delayMs"))
    },
    "backoff.json/failures": { row in
        differ(Backoff.failures(after: row.int("connectedMs"), failures: row.int("failures")), row.int("then"))
    },
    "offsets.json/news": { row in
        let check = Cursor.check(toCursor(row["cursor"]), epoch: row["event"]?["epoch"]?.string, offset: row["event"]?["offset"]?.wholeNumber ?? -1)
        return differ(check.rawValue, row.string("is"))
    },
    "offsets.json/replay": { row in
        guard let welcome = UsherPosition(row["welcome"]) else { return "no welcome" }
        return differ(toCursor(row["cursor"])?.beginReplay(to: welcome), toCursor(row["then"]))
    },
    "storage-names.json/names": { row in
        differ(storageName(url: row.string("url"), userId: row.string("userId"), deviceId: row.string("deviceId")), row.string("name"))
    },
    "storage-names.json/urls": { row in differ(URL(string: row.string("url")).flatMap(normalizeURL), row.string("is")) },
    "storage-names.json/values": { row in
        expectFields(row["position"], row["text"]?.string.flatMap { StoredPosition(JSONValue(parsing: $0)) }?.json)
    },
    "errors.json/errors": { row in
        expectFields(row["error"], UsherError(row["value"]).map { error in
            fields(("code", .string(error.code)), ("message", .string(error.message)), ("retryable", .bool(error.retryable)),
                ("retryAfterMs", error.retryAfterMs.map { .number(Double($0)) }))
        })
    },
    "errors.json/token": { row in
        differ(UsherError(code: row.string("code"), message: "", retryable: false).isAboutToken, row["is"]?.bool)
    },
    "frames.json/decode": { row in differ(toJSON(PacketCodec.decode(row.string("text"))), row["is"]) },
    "frames.json/encode": checkEncode,
    "frames.json/welcome": { row in
        expectFields(row["is"], Welcome(row["payload"]).map { welcome in
            fields(("userId", .string(welcome.userId)), ("epoch", .string(welcome.position.epoch)),
                ("offset", .number(Double(welcome.position.offset))), ("resume", .string(welcome.isReplay ? "replay" : "snapshot")),
                ("heartbeatSeconds", .number(welcome.heartbeatSeconds)))
        })
    },
    "frames.json/envelope": { row in
        expectFields(row["is"], Envelope(row["payload"]).map { event in
            fields(("id", .string(event.id)), ("type", .string(event.type)), ("key", .string(event.key)),
                ("offset", event.offset.map { .number(Double($0)) }), ("epoch", event.epoch.map(JSONValue.string)))
        })
    },
    "frames.json/relevant": { row in
        differ(Envelope(row["event"])?.isRelevant(to: "tv", nowMs: parseTime("2026-01-01T00:00:00.000Z") ?? 0), row["is"]?.bool)
    },
    "frames.json/retryAfterMs": { row in differ(Goaway(row["payload"]).retryAfterMs, row.int("is")) },
    "state.json/folds": checkFold,
]

private func checkEncode(_ row: JSONValue) -> String? {
    guard let packet = row["packet"] else { return "no packet" }
    let id = packet["ackId"]?.wholeNumber
    switch packet.string("type") {
    case "connect": return sameText(PacketCodec.encodeConnect(auth: packet["auth"] ?? .null), row.string("text"))
    case "event":
        let frame = Frame(name: packet.string("name"), payload: packet["payload"], ackId: id)
        return sameText(PacketCodec.encodeFrame(frame), row.string("text"))
    case "ack": return differ(id.map { PacketCodec.encodeAck(id: $0) }, row.string("text"))
    case "pong": return differ(PacketCodec.pong, row.string("text"))
    default: return "unknown packet"
    }
}

/// The order of an object's fields does not matter.
private func sameText(_ actual: String, _ expected: String) -> String? {
    let split = { (text: String) in text.firstIndex { $0 == "[" || $0 == "{" } ?? text.endIndex }
    let (at, expectedAt) = (split(actual), split(expected))
    return differ(actual[..<at], expected[..<expectedAt])
        ?? differ(JSONValue(parsing: String(actual[at...])), JSONValue(parsing: String(expected[expectedAt...])))
}

private func checkFold(_ row: JSONValue) -> String? {
    do { try expectKnown("row", row, "promise", "steps", "state", "anyOrder") } catch { return "\(error)" }
    var state = UsherState()
    for step in row["steps"]?.elements ?? [] {
        if let event = Envelope(step["event"]) {
            state.apply(event)
        } else if let snapshot = Snapshot(step["snapshot"]) {
            state.apply(snapshot)
        } else {
            return "unknown step \(step.text)"
        }
    }
    let anyOrder = row["anyOrder"]?.bool == true
    for (name, expected) in row["state"]?.fields ?? [:] {
        let problem: String?
        switch name {
        case "membership": problem = expectFields(expected, state.membership.map(encode))
        case "entitlement": problem = expectFields(expected, state.entitlement.map(encode))
        case "entries": problem = differ(state.entries.map(\.offset), expected.elements.map(\.wholeNumber))
        case "playback": problem = expectRows(expected.elements, state.playback.map(encode), anyOrder)
        case "recommendations": problem = expectRows(expected.elements, state.recommendations.map(encode), anyOrder)
        default: problem = "unknown"
        }
        if let problem { return "\(name): \(problem)" }
    }
    return nil
}

private func expectRows(_ expected: [JSONValue], _ actual: [JSONValue], _ anyOrder: Bool) -> String? {
    if let problem = differ(actual.count, expected.count) { return problem }
    if !anyOrder { return zip(expected, actual).lazy.compactMap { expectFields($0, $1) }.first }
    let missing = expected.first { row in !actual.contains { expectFields(row, $0) == nil } }
    return missing.map { "\($0.text) is not there" }
}

/// Compares the listed fields; `null` is the same as absent.
private func expectFields(_ expected: JSONValue?, _ actual: JSONValue?) -> String? {
    guard let expected, expected != .null else { return differ(actual, nil) }
    guard let actual else { return "nothing was read" }
    for (name, value) in expected.fields where (actual[name] ?? .null) != value {
        return "\(name) is \(actual[name]?.text ?? "absent"), not \(value.text)"
    }
    return nil
}

private func differ<T: Equatable>(_ actual: T?, _ expected: T?) -> String? {
    actual == expected ? nil : "\(String(describing: actual)) instead of \(String(describing: expected))"
}

private func toJSON(_ packet: Packet?) -> JSONValue {
    let number = { (value: Int) in JSONValue.number(Double(value)) }
    switch packet {
    case .open(let interval, let timeout): return fields(("type", "open"), ("pingInterval", number(interval)), ("pingTimeout", number(timeout)))
    case .frame(let frame):
        return fields(("type", "event"), ("name", .string(frame.name)), ("payload", frame.payload), ("ackId", frame.ackId.map(number)))
    case .ack(let id, let payload): return fields(("type", "ack"), ("ackId", number(id)), ("payload", payload))
    case .connectError(_, let data): return fields(("type", "refused"), ("data", data))
    case .connected: return ["type": "connect"]
    case .disconnected: return ["type": "disconnect"]
    case .ping: return ["type": "ping"]
    case .close: return ["type": "close"]
    case .noop: return ["type": "noop"]
    case .ignored, nil: return .null
    }
}

private func fields(_ pairs: (String, JSONValue?)...) -> JSONValue {
    .object(Dictionary(uniqueKeysWithValues: pairs.compactMap { name, value in value.map { (name, $0) } }))
}

private func encode(_ value: some Encodable) -> JSONValue {
    (try? JSONEncoder().encode(value)).flatMap { JSONValue(parsing: String(decoding: $0, as: UTF8.self)) } ?? .null
}

private func toCursor(_ value: JSONValue?) -> Cursor? {
    UsherPosition(value).map { Cursor(position: $0, replayEnd: value?["replayEnd"]?.wholeNumber ?? -1) }
}

extension JSONValue {
    var fields: [String: JSONValue] { if case .object(let fields) = self { fields } else { [:] } }

    func string(_ name: String) -> String { self[name]?.string ?? "" }
    func double(_ name: String) -> Double { self[name]?.number ?? .nan }
    func int(_ name: String) -> Int { self[name]?.number.map { Int($0) } ?? .min }
}
