import Foundation

#if canImport(Darwin)
    import Darwin

    private let streamType = SOCK_STREAM
    private let sendFlags: Int32 = 0
#else
    import Glibc

    private let streamType = Int32(SOCK_STREAM.rawValue)
    private let sendFlags = Int32(MSG_NOSIGNAL)
#endif

/// A blocking TCP socket on this machine's loopback. Its descriptor is closed when nobody holds the socket any more, so that no thread reads from
/// one that was given to somebody else meanwhile.
package final class TCPSocket: Sendable {
    private static let sendTimeoutSeconds = 5
    private static let chunkBytes = 64 * 1_024

    private let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var timeout = timeval()
        timeout.tv_sec = TCPSocket.sendTimeoutSeconds
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        #if canImport(Darwin)
            var isOn: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &isOn, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    deinit { _ = close(descriptor) }

    /// Returns a socket that is connected to this port, or nil.
    package static func connect(port: UInt16) -> TCPSocket? {
        let socket = TCPSocket(makeSocket())
        let code = withAddress(port) { connectDescriptor(socket.descriptor, $0, $1) }
        return code == 0 ? socket : nil
    }

    /// Returns a socket that listens on a free port, or nil.
    package static func listen() -> TCPSocket? {
        let socket = TCPSocket(makeSocket())
        guard withAddress(0, { bind(socket.descriptor, $0, $1) }) == 0, listenDescriptor(socket.descriptor, 50) == 0 else { return nil }
        return socket
    }

    package var port: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Waits for a connection. Nil when this socket was shut down.
    package func accept() -> TCPSocket? {
        let accepted = acceptDescriptor(descriptor)
        return accepted >= 0 ? TCPSocket(accepted) : nil
    }

    /// Waits for bytes. Empty when the connection has ended.
    package func read() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: TCPSocket.chunkBytes)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }

    /// Writes everything. False when the connection has ended, or takes nothing for five seconds.
    package func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, sendFlags) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Ends the connection: whoever waits for it returns.
    package func end() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}

private func makeSocket() -> Int32 { socket(AF_INET, streamType, 0) }
private func connectDescriptor(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 { connect(descriptor, address, length) }
private func listenDescriptor(_ descriptor: Int32, _ backlog: Int32) -> Int32 { listen(descriptor, backlog) }
private func acceptDescriptor(_ descriptor: Int32) -> Int32 { accept(descriptor, nil, nil) }

private func withAddress(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = loopback
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}

/// 127.0.0.1 in the order of the network.
private let loopback = UInt32(0x7F00_0001).bigEndian

/// Runs blocking code in a thread of its own: Swift's tasks must not block theirs.
package func startThread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = "usher-test"
    thread.start()
}
