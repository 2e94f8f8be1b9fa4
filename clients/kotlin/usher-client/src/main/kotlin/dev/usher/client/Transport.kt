package dev.usher.client

/** Opens connections that carry text messages. The client's own is [OkHttpTransport]; tests pass a fake one. */
public interface Transport {
    /**
     * Starts to connect to this WebSocket address (`https:` or `http:`) and returns at once. The listener may be called on any thread,
     * its calls in order, and `onEnd` at most once and last.
     */
    public fun dial(url: String, listener: Listener): WebSocketConnection

    /** Releases what the transport itself made. Called once, when the client was closed. */
    public fun close() {}

    /** What happens on a connection. */
    public interface Listener {
        public fun onText(text: String)

        /** The connection ended, or could not be opened. Not called after [WebSocketConnection.close]. */
        public fun onEnd(error: UsherError)
    }

    /** One connection. */
    public interface WebSocketConnection {
        /** Queues a message. Returns false if the connection takes none any more. */
        public fun send(text: String): Boolean

        /** Closes. Idempotent. */
        public fun close()
    }
}
