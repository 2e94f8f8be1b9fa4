import Foundation

@UsherActor
protocol SocketConnectionDelegate: AnyObject {
    /// The server was heard of: a message came, a ping perhaps, and is handled next.
    func heard()

    /// - Parameter size: of the message that carried the frame, in bytes
    func receive(_ frame: Frame, size: Int, from connection: SocketConnection)

    /// Called at most once, and nothing after it. Not called after `close`.
    func connectionEnded(_ error: UsherError)
}

/// One Socket.IO connection. It does not reconnect: each attempt makes a new one, so that nothing of the old connection (pending acknowledgements)
/// can reach the next, which may be another user's.
@UsherActor
final class SocketConnection {
    /// The greatest text message that the server takes, in bytes of UTF-8.
    static let maxFrameBytes = 16 * 1_024

    /// A longer message is none of Usher's, and must not fill the memory of a TV. The longest is the first page of a snapshot: 256 KiB of events, 500
    /// playback positions of less than 1.5 KiB (two titles of 128 characters, three ids of 64), and a line for each profile: about 1 MiB in all.
    nonisolated static let maxMessageBytes = 8 * 1_024 * 1_024

    /// True until it was closed or ended.
    private(set) var isActive = true
    private let timers: Timers
    private let clock: any UsherClock
    private let auth: JSONValue
    private let socket: any UsherWebSocket
    private weak var delegate: (any SocketConnectionDelegate)?
    private var pending: [Int: Deferred<JSONValue?>] = [:]
    private var nextId = 0
    private var isConnected = false
    private var watchdogMs = 0
    private var reader: Task<Void, Never>?

    init(_ socket: any UsherWebSocket, auth: JSONValue, timers: Timers, clock: any UsherClock, delegate: any SocketConnectionDelegate) {
        self.socket = socket
        self.auth = auth
        self.timers = timers
        self.clock = clock
        self.delegate = delegate
        reader = Task { await self.read() }
    }

    /// Sends a request and returns the payload of its acknowledgement. Throws `UsherError`: the server's refusal, `timeout`, `protocol`,
    /// `payload_too_large`, or `offline` if the connection ended first.
    func request(_ name: String, _ payload: JSONValue, timeoutMs: Int) async throws -> JSONValue {
        guard isActive, isConnected else { throw UsherError.offline("not connected") }
        let id = nextId
        nextId += 1
        let text = PacketCodec.encodeFrame(Frame(name: name, payload: payload, ackId: id))
        guard text.utf8.count <= SocketConnection.maxFrameBytes else {
            throw UsherError(code: "payload_too_large", message: "\(name): more than 16 KiB", retryable: false)
        }
        let response = Deferred<JSONValue?>()
        pending[id] = response
        defer { pending[id] = nil }
        socket.send(text)
        let value = try await response.value(within: timeoutMs, on: clock, else: .timeout("\(name): no response in time"))
        guard let value, value.isObject else {
            throw UsherError.brokenProtocol("\(name): the response is not an object", retryable: false)
        }
        if value["ok"]?.bool == true { return value }
        throw UsherError(value["error"]) ?? .brokenProtocol("\(name): refused without a reason", retryable: false)
    }

    /// Acknowledges a frame, if the server asked for it and the connection is still there.
    func acknowledge(_ frame: Frame) {
        if let id = frame.ackId, isActive { socket.send(PacketCodec.encodeAck(id: id)) }
    }

    func close() {
        guard isActive else { return }
        if isConnected { socket.send(PacketCodec.disconnect) }
        release()
    }

    private func read() async {
        do {
            while isActive { receive(try await socket.receive()) }
        } catch {
            end(UsherError(error, code: "offline"))
        }
    }

    private func receive(_ text: String) {
        guard isActive else { return }
        delegate?.heard()
        let size = text.utf8.count
        guard size <= SocketConnection.maxMessageBytes, let packet = PacketCodec.decode(text) else {
            return end(.brokenProtocol("a message that cannot be read", retryable: true))
        }
        switch packet {
        case .open(let pingIntervalMs, let pingTimeoutMs):
            watchdogMs = pingIntervalMs + pingTimeoutMs
            startWatchdog()
            socket.send(PacketCodec.encodeConnect(auth: auth))
        case .ping:
            socket.send(PacketCodec.pong)
            startWatchdog()
        case .connected: isConnected = true
        case .connectError(let message, let data): end(UsherError(data) ?? .offline(message))
        case .frame(let frame): if isConnected { delegate?.receive(frame, size: size, from: self) }
        case .ack(let id, let payload): pending[id]?.succeed(payload)
        case .close, .disconnected: end(.offline("the server ended the connection"))
        case .noop, .ignored: return
        }
    }

    /// A line that died silently (a phone that changed networks) shows only in that nothing comes any more.
    private func startWatchdog() {
        timers.set("watchdog", ms: watchdogMs) { [weak self] in self?.end(.offline("no ping in time")) }
    }

    private func end(_ error: UsherError) {
        guard isActive else { return }
        release()
        delegate?.connectionEnded(error)
    }

    private func release() {
        isActive = false
        timers.clear("watchdog")
        socket.close()
        reader?.cancel()
        for response in pending.values { response.fail(UsherError.offline("the connection ended before the response")) }
    }
}
