import Foundation

/// Opens WebSockets that carry text messages. The client's own is `URLSessionTransport`; tests pass a fake one.
public protocol UsherTransport: Sendable {
    /// Starts to connect to this address (`wss:` or `ws:`) and returns at once.
    func connect(to url: URL) -> any UsherWebSocket
}

/// One connection.
public protocol UsherWebSocket: Sendable {
    /// Waits for the next text message. Throws when the connection has ended, could not be opened, or was closed; an `UsherError` is kept as it
    /// is, and everything else counts as `offline`. Called by one task at a time.
    func receive() async throws -> String

    /// Queues a message. One that cannot be sent any more ends the connection.
    func send(_ text: String)

    /// Closes. `receive` throws then. Closing twice does no harm.
    func close()
}
