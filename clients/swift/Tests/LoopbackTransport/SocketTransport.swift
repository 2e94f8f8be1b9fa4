import Foundation

import UsherClient

/// WebSockets over plain TCP to a server on this machine. Foundation's own, on Linux, divides messages of more than 4 KiB
/// (swift-corelibs-foundation#5255), and asks for the connection in a way that servers refuse (#5484).
package struct SocketTransport: UsherTransport {
    package init() {}

    package func connect(to url: URL) -> any UsherWebSocket { PlainWebSocket(url) }
}

private final class PlainWebSocket: UsherWebSocket {
    private enum Opcode {
        static let continuation: UInt8 = 0, text: UInt8 = 1, close: UInt8 = 8, ping: UInt8 = 9, pong: UInt8 = 10
    }

    private struct Arrived {
        var texts: [String] = []
        var receiver: CheckedContinuation<String, any Error>?
        var socket: TCPSocket?
        var hasEnded = false
    }

    private let arrived = Locked(Arrived())
    private let writer = DispatchQueue(label: "usher-test-writer")

    init(_ url: URL) {
        startThread { [self] in
            if let socket = TCPSocket.connect(port: UInt16(url.port ?? 80)), keep(socket), let rest = shakeHands(socket, url) { read(socket, rest) }
            end()
        }
    }

    func receive() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let now: Result<String, any Error>? = arrived.withLock { arrived in
                if !arrived.texts.isEmpty { return .success(arrived.texts.removeFirst()) }
                if arrived.hasEnded { return .failure(UsherError.offline("the connection ended")) }
                arrived.receiver = continuation
                return nil
            }
            if let now { continuation.resume(with: now) }
        }
    }

    func send(_ text: String) { write(Opcode.text, Array(text.utf8)) }

    func close() {
        write(Opcode.close, [])
        writer.async { [self] in end() }
    }

    /// Returns false if it was closed meanwhile.
    private func keep(_ socket: TCPSocket) -> Bool {
        arrived.withLock { arrived in
            arrived.socket = socket
            return !arrived.hasEnded
        }
    }

    /// Returns what the server sent after its headers, or nil if it did not switch.
    private func shakeHands(_ socket: TCPSocket, _ url: URL) -> [UInt8]? {
        let key = Data((0..<16).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
        let path = URLComponents(url: url, resolvingAgainstBaseURL: true)?.percentEncodedPath ?? "/" // `url.path` loses the last slash
        let lines = [
            "GET \(path)?\(url.query ?? "") HTTP/1.1", "Host: 127.0.0.1:\(url.port ?? 80)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13", "", "",
        ]
        guard socket.write(Array(lines.joined(separator: "\r\n").utf8)) else { return nil }
        var bytes: [UInt8] = []
        let blank = Array("\r\n\r\n".utf8)
        while true {
            let more = socket.read()
            guard !more.isEmpty, bytes.count < 64 * 1_024 else { return nil }
            bytes += more
            guard let end = (0..<max(0, bytes.count - 3)).first(where: { bytes[$0..<($0 + 4)].elementsEqual(blank) }) else { continue }
            return bytes.starts(with: Array("HTTP/1.1 101 ".utf8)) ? Array(bytes[(end + 4)...]) : nil
        }
    }

    private func read(_ socket: TCPSocket, _ rest: [UInt8]) {
        var (bytes, message) = (rest[...], [UInt8]())
        while true {
            while let (opcode, isFinal, payload, length) = parseFrame(bytes) {
                bytes = bytes.dropFirst(length)
                switch opcode {
                case Opcode.text, Opcode.continuation:
                    message += payload
                    if isFinal { deliver(String(decoding: message, as: UTF8.self)) }
                    if isFinal { message = [] }
                case Opcode.ping: write(Opcode.pong, Array(payload))
                default: return
                }
            }
            let more = socket.read()
            guard !more.isEmpty else { return }
            bytes = Array(bytes + more)[...]
        }
    }

    /// Returns the first frame, and how many bytes it has with its header. Nil if it is not there in whole.
    private func parseFrame(_ bytes: ArraySlice<UInt8>) -> (opcode: UInt8, isFinal: Bool, payload: ArraySlice<UInt8>, length: Int)? {
        guard bytes.count >= 2 else { return nil }
        let (first, second, at) = (bytes[bytes.startIndex], Int(bytes[bytes.startIndex + 1] & 0x7F), bytes.startIndex + 2)
        let lengthBytes = second == 126 ? 2 : second == 127 ? 8 : 0
        guard bytes.endIndex >= at + lengthBytes else { return nil }
        let size = lengthBytes == 0 ? second : bytes[at..<(at + lengthBytes)].reduce(0) { $0 << 8 + Int($1) }
        let end = at + lengthBytes + size
        guard bytes.endIndex >= end else { return nil }
        return (first & 0x0F, first & 0x80 != 0, bytes[(at + lengthBytes)..<end], end - bytes.startIndex)
    }

    private func write(_ opcode: UInt8, _ payload: [UInt8]) {
        let mask = (0..<4).map { _ in UInt8.random(in: 0...255) }
        // Always with a length of 8 bytes, which servers take for any size.
        let count = UInt64(payload.count)
        var frame: [UInt8] = [0x80 | opcode, 0x80 | 127]
        for shift: UInt64 in [56, 48, 40, 32, 24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: count >> shift)) }
        frame += mask
        for (n, byte) in payload.enumerated() { frame.append(byte ^ mask[n % 4]) }
        writer.async { [self, frame] in
            guard let socket = arrived.withLock({ $0.socket }), !socket.write(frame) else { return }
            end()
        }
    }

    private func deliver(_ text: String) {
        let receiver = arrived.withLock { arrived in
            guard let receiver = arrived.receiver else {
                arrived.texts.append(text)
                return nil as CheckedContinuation<String, any Error>?
            }
            arrived.receiver = nil
            return receiver
        }
        receiver?.resume(returning: text)
    }

    private func end() {
        let (receiver, socket) = arrived.withLock { arrived in
            defer { (arrived.receiver, arrived.socket, arrived.hasEnded) = (nil, nil, true) }
            return (arrived.receiver, arrived.socket)
        }
        socket?.end()
        receiver?.resume(throwing: UsherError.offline("the connection ended"))
    }
}
