package dev.usher.client

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** What a text message of Engine.IO 4 says, with the Socket.IO 5 packet of the namespace `/` that it may carry. */
internal sealed interface Packet {
    /** The server's first message. Times in ms. */
    data class Open(val pingIntervalMs: Long, val pingTimeoutMs: Long) : Packet

    data object Close : Packet
    data object Ping : Packet

    /** Means nothing: a noop or a pong. */
    data object Noop : Packet

    /** Of another namespace, of which we joined none. */
    data object Ignored : Packet

    /** The namespace accepted us. */
    data object Connected : Packet

    /** The namespace refused us; [data] has the server's error. */
    data class ConnectError(val message: String, val data: JsonElement?) : Packet

    /** The server left the namespace. */
    data object Disconnected : Packet

    /** @property ackId set if the server asks for an acknowledgement */
    data class Frame(val name: String, val payload: JsonElement?, val ackId: Long?) : Packet

    data class Ack(val id: Long, val payload: JsonElement?) : Packet
}

/**
 * The little of Engine.IO 4 and Socket.IO 5 that a device needs: text over a WebSocket, the namespace `/`, no attachments.
 * https://socket.io/docs/v4/engine-io-protocol and https://socket.io/docs/v4/socket-io-protocol
 */
internal object PacketCodec {
    const val PONG = "3"

    /** Leaves the namespace: what the client says before it closes. */
    const val DISCONNECT = "41"

    private const val DEFAULT_PING_INTERVAL_MS = 25_000L
    private const val DEFAULT_PING_TIMEOUT_MS = 20_000L

    /** An acknowledgement id of more digits is none that anybody counted up to. */
    private const val MAX_ID_DIGITS = 15

    /** Event data has at most 32 levels, and a snapshot a few more. */
    private const val MAX_DEPTH = 100

    /** Returns the packet, or null if the text is none: the connection should be closed then, as Socket.IO's own client does. */
    fun decode(text: String): Packet? = try {
        when (text.firstOrNull()) {
            '0' -> decodeOpen(parse(text.substring(1)))
            '1' -> Packet.Close
            '2' -> Packet.Ping
            '3', '6' -> Packet.Noop
            '4' -> decodeMessage(text)
            else -> null
        }
    } catch (_: SerializationException) {
        null
    }

    fun encodeConnect(auth: JsonObject): String = "40$auth"

    /** An event. With an [ackId] it asks for an acknowledgement. */
    fun encodeFrame(name: String, payload: JsonElement, ackId: Long?): String =
        "42" + (ackId ?: "") + JsonArray(listOf(JsonPrimitive(name), payload))

    /** An acknowledgement without a payload. */
    fun encodeAck(id: Long): String = "43$id[]"

    private fun decodeOpen(value: JsonElement): Packet? {
        val fields = value.objectOrNull ?: return null
        return Packet.Open(
            fields["pingInterval"].offsetOrNull ?: DEFAULT_PING_INTERVAL_MS,
            fields["pingTimeout"].offsetOrNull ?: DEFAULT_PING_TIMEOUT_MS,
        )
    }

    private fun decodeMessage(text: String): Packet? {
        val type = text.getOrNull(1) ?: return null
        if (text.getOrNull(2) == '/') return Packet.Ignored
        val bodyAt = (2..text.length).first { it == text.length || !text[it].isAsciiDigit }
        if (bodyAt - 2 > MAX_ID_DIGITS) return null
        val id = text.substring(2, bodyAt).takeIf { it.isNotEmpty() }?.toLong()
        val body = text.substring(bodyAt)
        return when (type) {
            '0' -> if (body.isEmpty() || parse(body) is JsonObject) Packet.Connected else null
            '1' -> Packet.Disconnected
            '2' -> decodeFrame(parse(body), id)
            '3' -> (parse(body) as? JsonArray)?.let { args -> id?.let { Packet.Ack(it, args.firstOrNull()) } }
            '4' -> parse(body).let { Packet.ConnectError(it.objectOrNull?.get("message").textOrNull ?: "refused", it.objectOrNull?.get("data")) }
            else -> null // attachments: the contract has none
        }
    }

    private fun decodeFrame(value: JsonElement, id: Long?): Packet? {
        val args = value as? JsonArray ?: return null
        val name = args.firstOrNull().textOrNull ?: return null
        return Packet.Frame(name, args.getOrNull(1), id)
    }

    private fun parse(text: String): JsonElement =
        if (isTooDeep(text)) throw SerializationException("nested too deeply") else usherJson.parseToJsonElement(text)

    /** The parser recurses, and would overflow the stack. */
    private fun isTooDeep(text: String): Boolean {
        var depth = 0
        var isText = false
        var at = 0
        while (at < text.length) {
            when (text[at]) {
                '\\' -> if (isText) at++
                '"' -> isText = !isText
                '[', '{' -> if (!isText && ++depth > MAX_DEPTH) return true
                ']', '}' -> if (!isText) depth--
            }
            at++
        }
        return false
    }

    private val Char.isAsciiDigit: Boolean get() = this in '0'..'9'
}
