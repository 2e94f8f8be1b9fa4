@testable import UsherClient

/// Fails on what a newer format says and this runner does not know.
func expectKnown(_ what: String, _ fields: JSONValue, _ known: String...) throws {
    let unknown = Set(fields.fields.keys).subtracting(known)
    if !unknown.isEmpty { throw Failure("unknown in \(what): \(unknown.sorted())") }
}

func expectEqual<T: Equatable>(_ actual: T, _ expected: T, _ what: String) throws {
    if actual != expected { throw Failure("\(what): \(actual) instead of \(expected)") }
}

func createWelcome(_ fields: JSONValue, nowMs: Int) -> JSONValue {
    let defaults: JSONValue = [
        "userId": "ann", "deviceId": "tv", "epoch": "e1", "offset": 0, "resume": "snapshot", "heartbeatSeconds": 60,
        "tokenExpiresAt": .string(formatTime(nowMs + 86_400_000)), "serverTime": .string(formatTime(nowMs)),
    ]
    return defaults.with(fields)
}

func createSnapshot(_ fields: JSONValue) -> JSONValue {
    let position: JSONValue = ["epoch": fields["epoch"] ?? "e1", "offset": fields["offset"] ?? .null]
    let entries = JSONValue.array((fields["entries"]?.elements ?? []).map(createEvent))
    let rest = JSONValue.object(fields.fields.filter { $0.key != "epoch" && $0.key != "offset" })
    return JSONValue.object(["position": position, "hasMore": false]).with(rest).with(["entries": entries])
}

func createEvent(_ fields: JSONValue) -> JSONValue {
    let common: JSONValue = ["at": "2026-01-01T00:00:00.000Z", "data": [:]]
    if let broadcast = fields["broadcast"] {
        let toEveryone: JSONValue = [
            "id": .string("b-\(broadcast.text)"), "type": "notice", "tier": "important", "key": .string("notice:\(broadcast.text)"), "epoch": "e1",
        ]
        return common.with(toEveryone).with(fields)
    }
    guard let offset = fields["offset"] else {
        return common.with(["id": "r", "type": "hint", "tier": "routine", "key": "hint"]).with(fields)
    }
    let durable: JSONValue = [
        "id": .string("e-\(offset.text)"), "type": "note", "tier": "important", "key": .string("note:\(offset.text)"), "epoch": "e1",
    ]
    return common.with(durable).with(fields)
}

extension JSONValue {
    func with(_ other: JSONValue) -> JSONValue { .object(fields.merging(other.fields) { _, new in new }) }
}

/// Compares one key of a scenario's end with what happened.
func checkEnd(_ name: String, _ value: JSONValue, _ world: World) throws {
    let texts = value.elements.map { $0.string ?? $0.text }
    switch name {
    case "state": try expectEqual(world.client.state.connection.rawValue, value.string, name)
    case "heard": try expectEqual(world.heard, texts, name)
    case "acked": try expectEqual(world.acked, texts, name)
    case "log": try expectEqual(world.log, texts, name)
    case "errors": try expectEqual(world.errors, texts, name)
    case "offline": try expectEqual(world.offline, texts, name)
    case "refused": try expectEqual(world.refused, value.string, name)
    case "tokens": try expectEqual(Double(world.tokens), value.number, name)
    case "frames": try expectEqual(Double(world.sockets.reduce(0) { $0 + $1.messages }), value.number, name)
    case "calls":
        try expectKnown(name, value, "ok", "failed")
        try expectEqual(Double(world.callsOk), value["ok"]?.number, name)
        try expectEqual(world.callsFailed.mapValues { JSONValue.number(Double($0)) }, value["failed"]?.fields ?? [:], name)
    case "retryable": try expectEqual(world.retryable.mapValues(JSONValue.bool), value.fields, name)
    case "stored": try checkStored("ann", value, world)
    case "storedFor": for (user, position) in value.fields { try checkStored(user, position, world) }
    case "known": for (field, expected) in value.fields { try checkKnown(field, expected, world.client.state) }
    default: throw Failure("unknown in end: \(name)")
    }
}

private func checkStored(_ user: String, _ value: JSONValue, _ world: World) throws {
    let stored = world.stored(for: user)
    if value == .null { return try expectEqual(stored, nil, "stored for \(user)") }
    try expectKnown("stored", value, "epoch", "offset", "broadcast")
    if let epoch = value["epoch"] { try expectEqual(stored?.position.epoch, epoch.string, "stored for \(user)") }
    if let offset = value["offset"] { try expectEqual(stored?.position.offset, offset.wholeNumber, "stored for \(user)") }
    if let broadcast = value["broadcast"] { try expectEqual(stored?.broadcast, broadcast.wholeNumber, "stored for \(user)") }
}

private func checkKnown(_ name: String, _ expected: JSONValue, _ state: UsherState) throws {
    switch name {
    case "membership.version": try expectEqual(state.membership?.version, expected.wholeNumber, name)
    case "membership.status": try expectEqual(state.membership?.status.rawValue, expected.string, name)
    case "entries": try expectEqual(state.entries.map(\.offset), expected.elements.map(\.wholeNumber), name)
    case "playback":
        let rows = state.playback.map { JSONValue.array([.string($0.showId), .number($0.positionSeconds)]) }
        try expectEqual(rows, expected.elements, name)
    case "position": try expectEqual(state.position?.json ?? .null, expected, name)
    default: throw Failure("unknown in known: \(name)")
    }
}
