package dev.usher.client

import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean

private const val CONNECT_TIMEOUT_SECONDS = 15L
private const val NORMAL_CLOSURE = 1000

/**
 * WebSockets by OkHttp 4.12 or 5. A client that the app passes is used as it is and never shut down: its connection pool, proxy,
 * certificate pinning and interceptors apply. Without one the transport makes its own, and releases it at the end.
 */
public class OkHttpTransport(client: OkHttpClient? = null) : Transport {
    private val isOwn = client == null
    private val client = client ?: OkHttpClient.Builder().connectTimeout(CONNECT_TIMEOUT_SECONDS, TimeUnit.SECONDS).build()

    override fun dial(url: String, listener: Transport.Listener): Transport.WebSocketConnection {
        val connection = OkHttpConnection(listener)
        connection.webSocket = client.newWebSocket(Request.Builder().url(url).build(), connection)
        return connection
    }

    override fun close() {
        if (!isOwn) return
        client.dispatcher.executorService.shutdown()
        client.connectionPool.evictAll()
    }
}

private class OkHttpConnection(private val listener: Transport.Listener) : WebSocketListener(), Transport.WebSocketConnection {
    lateinit var webSocket: WebSocket
    private val isEnded = AtomicBoolean()

    override fun send(text: String): Boolean = !isEnded.get() && webSocket.send(text)

    override fun close() {
        isEnded.set(true)
        // Before it is open there is nobody to say goodbye to. After that OkHttp itself waits at most 60 s for the other side.
        if (!isOpen || !webSocket.close(NORMAL_CLOSURE, null)) webSocket.cancel()
    }

    @Volatile private var isOpen = false

    override fun onOpen(webSocket: WebSocket, response: Response) {
        isOpen = true
        if (isEnded.get()) webSocket.cancel()
    }

    override fun onMessage(webSocket: WebSocket, text: String) {
        if (!isEnded.get()) listener.onText(text)
    }

    override fun onMessage(webSocket: WebSocket, bytes: ByteString) {
        end(UsherError("protocol", "a binary message", true))
        webSocket.cancel()
    }

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        webSocket.close(NORMAL_CLOSURE, null)
        end(UsherError("offline", "the server closed the connection ($code)", true))
    }

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
        val retryAfterMs = response?.header("Retry-After")?.toLongOrNull()?.let { TimeUnit.SECONDS.toMillis(it) }
        val message = if (response != null) "the WebSocket was refused with HTTP ${response.code}" else t.message ?: t.javaClass.simpleName
        end(UsherError("offline", message, true, retryAfterMs, t))
    }

    private fun end(error: UsherError) {
        if (isEnded.compareAndSet(false, true)) listener.onEnd(error)
    }
}
