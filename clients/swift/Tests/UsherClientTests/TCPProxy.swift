import LoopbackTransport

@testable import UsherClient

/// A line to a server on this machine that a test can cut.
final class TCPProxy: Sendable {
    private struct Line {
        var sockets: [ObjectIdentifier: TCPSocket] = [:]
        var isUp = true
    }

    private let target: UInt16
    private let server: TCPSocket
    private let line = Locked(Line())

    var url: String { "http://127.0.0.1:\(server.port)" }

    init(to target: UInt16) throws {
        guard let server = TCPSocket.listen() else { throw Failure("no port is free") }
        self.target = target
        self.server = server
        startThread { [weak self] in
            while let device = server.accept() { self?.forward(device) }
        }
    }

    /// Breaks every connection, and every new one until `restore`.
    func cut() {
        let sockets = line.withLock { line in
            line.isUp = false
            return Array(line.sockets.values)
        }
        for socket in sockets { socket.end() }
    }

    func restore() { line.withLock { $0.isUp = true } }

    func close() {
        cut()
        server.end()
    }

    private func forward(_ device: TCPSocket) {
        guard line.withLock({ $0.isUp }), let node = TCPSocket.connect(port: target) else { return device.end() }
        let isUp = line.withLock { line in
            for socket in [device, node] { line.sockets[ObjectIdentifier(socket)] = socket }
            return line.isUp
        }
        if !isUp { return cut() } // cut meanwhile
        startThread { [self] in pump(device, node) }
        startThread { [self] in pump(node, device) }
    }

    private func pump(_ from: TCPSocket, _ to: TCPSocket) {
        while true {
            let bytes = from.read()
            guard !bytes.isEmpty, to.write(bytes) else { break }
        }
        for socket in [from, to] {
            socket.end()
            line.withLock { _ = $0.sockets.removeValue(forKey: ObjectIdentifier(socket)) }
        }
    }
}
