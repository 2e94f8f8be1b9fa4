package dev.usher.client

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject

/**
 * A longer message is none of Usher's, and must not fill the memory of a TV. The longest is the first page of a snapshot: 256 KiB of events, 500 playback
 * positions of less than 1.5 KiB (two titles of 128 characters, three ids of 64), and a line for each profile: about 1 MiB in all.
 */
private const val MAX_MESSAGE_CHARS = 8 * 1024 * 1024

/** The greatest text message that the server takes, in bytes of UTF-8. */
internal const val MAX_FRAME_BYTES = 16 * 1024

/** Callbacks of one connection, on the client's thread. `onEnd` is called at most once, and nothing after it. */
internal interface SocketConnectionHandlers {
    /** The server was heard of: a message came, a ping perhaps, and is handled next. */
    fun onHeard()

    /** @param size of the message that carried the frame, in characters */
    fun onFrame(frame: Packet.Frame, size: Int)
    fun onEnd(error: UsherError)
}

/**
 * One Socket.IO connection. It does not reconnect: each attempt makes a new one, so that nothing of the old connection (pending
 * acknowledgements) can reach the next, which may be another user's. All its methods run on the client's one thread.
 */
internal class SocketConnection(
    private val scope: CoroutineScope,
    private val timers: Timers,
    transport: Transport,
    url: String,
    private val auth: JsonObject,
    private val handlers: SocketConnectionHandlers,
) {
    private val pending = HashMap<Long, CompletableDeferred<JsonElement?>>()
    private var nextId = 0L
    private var isOpen = true
    private var isConnected = false
    private var watchdogMs = 0L
    private val webSocket: Transport.WebSocketConnection = transport.dial(
        "${url.trimEnd('/')}/socket.io/?EIO=4&transport=websocket",
        object : Transport.Listener {
            override fun onText(text: String) { scope.launch { receive(text) } }
            override fun onEnd(error: UsherError) { scope.launch { end(error) } }
        },
    )

    /** True until it was closed or ended. */
    val isActive: Boolean get() = isOpen

    /**
     * Sends a request and returns the payload of its acknowledgement.
     * Throws [UsherError]: the server's refusal, `timeout`, `protocol`, `payload_too_large`, or `offline` if the connection ended first.
     */
    suspend fun request(name: String, payload: JsonElement, timeoutMs: Long): JsonObject {
        if (!isOpen || !isConnected) throw UsherError("offline", "not connected", true)
        val id = nextId++
        val text = PacketCodec.encodeFrame(name, payload, id)
        if (utf8Length(text) > MAX_FRAME_BYTES) throw UsherError("payload_too_large", "$name: more than 16 KiB", false)
        val response = CompletableDeferred<JsonElement?>()
        pending[id] = response
        send(text)
        val value = try {
            withTimeoutOrNull(timeoutMs) { Answer(response.await()) } ?: throw UsherError("timeout", "$name: no response in time", true)
        } finally {
            pending.remove(id)
        }
        val fields = value.payload.objectOrNull ?: throw UsherError("protocol", "$name: the response is not an object", false)
        if (fields["ok"].booleanOrNull == true) return fields
        throw parseError(fields["error"]) ?: UsherError("protocol", "$name: refused without a reason", false)
    }

    /** Acknowledges a frame, if the server asked for it and the connection is still there. */
    fun acknowledge(frame: Packet.Frame) {
        if (frame.ackId != null && isOpen) send(PacketCodec.encodeAck(frame.ackId))
    }

    fun close() {
        if (!isOpen) return
        if (isConnected) webSocket.send(PacketCodec.DISCONNECT)
        release()
        webSocket.close()
    }

    private fun receive(text: String) {
        if (!isOpen) return
        handlers.onHeard()
        val packet = if (text.length <= MAX_MESSAGE_CHARS) PacketCodec.decode(text) else null
        when (packet) {
            null -> fail(UsherError("protocol", "a message that cannot be read", true))
            is Packet.Open -> open(packet)
            Packet.Ping -> {
                send(PacketCodec.PONG)
                startWatchdog()
            }
            Packet.Connected -> isConnected = true
            is Packet.ConnectError -> fail(parseError(packet.data) ?: UsherError("offline", packet.message, true))
            is Packet.Frame -> if (isConnected) handlers.onFrame(packet, text.length)
            is Packet.Ack -> pending[packet.id]?.complete(packet.payload)
            Packet.Close, Packet.Disconnected -> fail(UsherError("offline", "the server ended the connection", true))
            Packet.Noop, Packet.Ignored -> Unit
        }
    }

    private fun open(packet: Packet.Open) {
        watchdogMs = packet.pingIntervalMs + packet.pingTimeoutMs
        startWatchdog()
        send(PacketCodec.encodeConnect(auth))
    }

    /** A line that died silently (a phone that changed networks) shows only in that nothing comes any more. */
    private fun startWatchdog(): Unit = timers.set("watchdog", watchdogMs) { fail(UsherError("offline", "no ping in time", true)) }

    private fun send(text: String) {
        if (!webSocket.send(text)) scope.launch { end(UsherError("offline", "the connection takes no more messages", true)) }
    }

    private fun fail(error: UsherError) {
        webSocket.close()
        end(error)
    }

    private fun end(error: UsherError) {
        if (!isOpen) return
        release()
        webSocket.close()
        handlers.onEnd(error)
    }

    private fun release() {
        isOpen = false
        timers.clear("watchdog")
        val lost = UsherError("offline", "the connection ended before the response", true)
        pending.values.toList().forEach { it.completeExceptionally(lost) }
    }
}

/** Tells a response without a payload from none. */
private class Answer(val payload: JsonElement?)

internal fun utf8Length(text: String): Int = text.toByteArray(Charsets.UTF_8).size
