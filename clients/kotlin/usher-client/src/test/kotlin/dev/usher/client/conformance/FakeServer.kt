package dev.usher.client.conformance

import dev.usher.client.Transport
import dev.usher.client.UsherError
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** A message of the client that asks for an acknowledgement. */
class Sent(val id: Long, val name: String, val payload: JsonObject)

/** One connection of the pretend server: text messages in, text messages out (clients/conformance/README.md, "The fake"). */
class FakeLine(scope: CoroutineScope, private val listener: Transport.Listener, private val onAck: (JsonObject) -> Unit) : Transport.WebSocketConnection {
    val sent = ArrayDeque<Sent>()
    val unacked = HashMap<Long, JsonObject>()
    var auth: JsonObject? = null
    var isClosedByClient = false
    var isOpen = true
    var messages = 0
    var largestFrameBytes = 0
    private var isAccepted = false
    private var nextId = 0L
    private val pings: Job = scope.launch {
        while (true) {
            delay(20_000)
            say("2")
        }
    }

    init {
        say("""0{"sid":"s","upgrades":[],"pingInterval":20000,"pingTimeout":15000,"maxPayload":1000000}""")
    }

    fun stopPings() = pings.cancel()

    fun sendFrame(name: String, payload: JsonElement, asksForAck: Boolean = false) {
        accept()
        val id = if (asksForAck) nextId++.also { unacked[it] = payload.jsonObject }.toString() else ""
        say("42$id[${Json.encodeToString(name)},$payload]")
    }

    fun refuse(error: JsonObject) {
        check(auth != null && !isAccepted) { "there is no handshake to refuse" }
        say("""44{"message":${error["code"]},"data":$error}""")
    }

    fun sendRaw(text: String) = say(text)

    fun reply(to: Sent, payload: JsonElement) = say("43${to.id}[$payload]")

    fun cut() {
        check(isOpen) { "the connection ended before" }
        end()
        listener.onEnd(UsherError("offline", "cut", true))
    }

    override fun send(text: String): Boolean {
        if (!isOpen) return false
        largestFrameBytes = maxOf(largestFrameBytes, text.toByteArray().size)
        val body = text.drop(2).dropWhile { it.isDigit() }
        val id = text.drop(2).takeWhile { it.isDigit() }.toLongOrNull()
        when {
            text.startsWith("40") -> auth = Json.parseToJsonElement(body).jsonObject
            text.startsWith("42") && id != null -> Json.parseToJsonElement(body).jsonArray.let {
                messages++
                sent += Sent(id, it[0].jsonPrimitive.content, it[1].jsonObject)
            }
            text.startsWith("43") -> onAck(checkNotNull(unacked.remove(id)) { "nobody asked for the acknowledgement $id" })
            text == "3" || text == "41" || text == "1" -> Unit
            else -> error("unexpected message: $text")
        }
        return true
    }

    override fun close() {
        if (!isOpen) return
        isClosedByClient = true
        end()
    }

    private fun accept() {
        if (isAccepted) return
        check(auth != null) { "the client has not sent its handshake" }
        isAccepted = true
        say("""40{"sid":"s"}""")
    }

    private fun say(text: String) {
        if (isOpen) listener.onText(text)
    }

    private fun end() {
        isOpen = false
        pings.cancel()
    }
}
