/// What a text message of Engine.IO 4 says, with the Socket.IO 5 packet of the namespace `/` that it may carry.
enum Packet: Equatable {
    /// The server's first message. Times in ms, each a day at most.
    case open(pingIntervalMs: Int, pingTimeoutMs: Int)
    case close
    case ping
    /// Means nothing: a noop or a pong.
    case noop
    /// Of another namespace, of which we joined none.
    case ignored
    /// The namespace accepted us.
    case connected
    /// The namespace refused us; `data` has the server's error.
    case connectError(message: String, data: JSONValue?)
    /// The server left the namespace.
    case disconnected
    case frame(Frame)
    case ack(id: Int, payload: JSONValue?)
}

/// A named message with a payload. `ackId` is set if the server asks for an acknowledgement.
struct Frame: Equatable {
    let name: String
    let payload: JSONValue?
    let ackId: Int?
}

/// The little of Engine.IO 4 and Socket.IO 5 that a device needs: text over a WebSocket, the namespace `/`, no attachments.
/// https://socket.io/docs/v4/engine-io-protocol and https://socket.io/docs/v4/socket-io-protocol
enum PacketCodec {
    static let pong = "3"

    /// Leaves the namespace: what the client says before it closes.
    static let disconnect = "41"

    private static let defaultPingIntervalMs = 25_000
    private static let defaultPingTimeoutMs = 20_000

    /// An acknowledgement id of more digits is none that anybody counted up to.
    private static let maxIdDigits = 15

    /// Returns the packet, or nil if the text is none: the connection should be closed then, as Socket.IO's own client does.
    static func decode(_ text: String) -> Packet? {
        let bytes = Array(text.utf8)
        switch bytes.first {
        case UInt8(ascii: "0"): return decodeOpen(bytes[1...])
        case UInt8(ascii: "1"): return .close
        case UInt8(ascii: "2"): return .ping
        case UInt8(ascii: "3"), UInt8(ascii: "6"): return .noop
        case UInt8(ascii: "4"): return decodeMessage(bytes[1...])
        default: return nil
        }
    }

    static func encodeConnect(auth: JSONValue) -> String { "40" + auth.text }

    /// An event. With an `ackId` it asks for an acknowledgement.
    static func encodeFrame(_ frame: Frame) -> String {
        "42" + (frame.ackId.map(String.init) ?? "") + JSONValue.array([.string(frame.name), frame.payload ?? .null]).text
    }

    /// An acknowledgement without a payload.
    static func encodeAck(id: Int) -> String { "43\(id)[]" }

    private static func decodeOpen(_ bytes: ArraySlice<UInt8>) -> Packet? {
        guard let fields = JSONValue(parsing: bytes), fields.isObject else { return nil }
        return .open(
            pingIntervalMs: min(fields["pingInterval"]?.wholeNumber ?? defaultPingIntervalMs, maxWaitMs),
            pingTimeoutMs: min(fields["pingTimeout"]?.wholeNumber ?? defaultPingTimeoutMs, maxWaitMs)
        )
    }

    private static func decodeMessage(_ bytes: ArraySlice<UInt8>) -> Packet? {
        guard let type = bytes.first else { return nil }
        let rest = bytes.dropFirst()
        if rest.first == UInt8(ascii: "/") { return .ignored }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits.count <= maxIdDigits else { return nil }
        let id = Int(String(decoding: digits, as: UTF8.self))
        let body = rest[digits.endIndex...]
        switch type {
        case UInt8(ascii: "0"): return body.isEmpty || JSONValue(parsing: body)?.isObject == true ? .connected : nil
        case UInt8(ascii: "1"): return .disconnected
        case UInt8(ascii: "2"): return decodeFrame(JSONValue(parsing: body), id)
        case UInt8(ascii: "3"): return decodeAck(JSONValue(parsing: body), id)
        case UInt8(ascii: "4"): return decodeConnectError(JSONValue(parsing: body))
        default: return nil // attachments: the contract has none
        }
    }

    private static func decodeFrame(_ value: JSONValue?, _ id: Int?) -> Packet? {
        guard let args = value?.elements, let name = args.first?.string else { return nil }
        return .frame(Frame(name: name, payload: args.count > 1 ? args[1] : nil, ackId: id))
    }

    private static func decodeAck(_ value: JSONValue?, _ id: Int?) -> Packet? {
        guard let id, case .array(let args) = value else { return nil }
        return .ack(id: id, payload: args.first)
    }

    private static func decodeConnectError(_ value: JSONValue?) -> Packet? {
        guard let value else { return nil }
        return .connectError(message: value["message"]?.string ?? "refused", data: value["data"])
    }
}
