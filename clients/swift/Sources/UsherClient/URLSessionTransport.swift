import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// WebSockets by Foundation. A session that the app passes is used as it is and never invalidated: its proxy, certificates and delegate apply.
/// Without one the transport makes its own.
///
/// For apps on Apple's platforms. Foundation on Linux divides messages of more than 4 KiB, which servers refuse (swift-corelibs-foundation#5255).
public final class URLSessionTransport: UsherTransport {
    private let isOwn: Bool
    private let session: URLSession

    /// - Parameter session: nil: a session of the transport's own, without cookies and caches
    public init(session: URLSession? = nil) {
        isOwn = session == nil
        self.session = session ?? URLSession(configuration: .ephemeral)
    }

    public func connect(to url: URL) -> any UsherWebSocket {
        var request = URLRequest(url: url)
        #if canImport(FoundationNetworking)
            request.setValue("Upgrade", forHTTPHeaderField: "Connection") // swift-corelibs-foundation#5484
        #endif
        let task = session.webSocketTask(with: request)
        task.maximumMessageSize = SocketConnection.maxMessageBytes // Foundation's default is 1 MiB
        task.resume()
        return URLSessionSocket(task)
    }

    /// Invalidates the transport's own session: one that is not lives as long as the app. A client closes the transport that it made itself; one that
    /// the app passes is the app's to close, when no client uses it any more.
    public func close() {
        if isOwn { session.finishTasksAndInvalidate() }
    }
}

private final class URLSessionSocket: UsherWebSocket {
    /// More than the client ever sends at once: 20 messages, and an acknowledgement for each event.
    private static let maxQueued = 2_000

    private let task: URLSessionWebSocketTask
    private let queue: AsyncStream<String>.Continuation

    init(_ task: URLSessionWebSocketTask) {
        self.task = task
        let (texts, queue) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(URLSessionSocket.maxQueued))
        self.queue = queue
        Task {
            do {
                for await text in texts { try await task.send(.string(text)) }
            } catch {
                task.cancel() // `receive` throws then
            }
        }
    }

    func receive() async throws -> String {
        do {
            switch try await task.receive() {
            case .string(let text): return text
            default: throw UsherError(code: "protocol", message: "a binary message", retryable: true)
            }
        } catch {
            throw refusal ?? error
        }
    }

    func send(_ text: String) {
        if case .dropped = queue.yield(text) { task.cancel() }
    }

    func close() {
        queue.finish()
        task.cancel(with: .normalClosure, reason: nil)
    }

    /// What the server said instead of opening the WebSocket: Foundation's own error has neither its status nor when to come back.
    private var refusal: UsherError? {
        guard let response = task.response as? HTTPURLResponse, response.statusCode != 101 else { return nil }
        let retryAfter = response.value(forHTTPHeaderField: "Retry-After").flatMap(TimeInterval.init)
        let message = "the WebSocket was refused with HTTP \(response.statusCode)"
        return UsherError(code: "offline", message: message, retryable: true, retryAfter: retryAfter)
    }
}
