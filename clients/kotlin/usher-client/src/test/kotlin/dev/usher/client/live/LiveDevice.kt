package dev.usher.client.live

import dev.usher.client.Clock
import dev.usher.client.Connection
import dev.usher.client.Envelope
import dev.usher.client.OkHttpTransport
import dev.usher.client.PositionStorage
import dev.usher.client.Progress
import dev.usher.client.ReceiptsChanged
import dev.usher.client.Signal
import dev.usher.client.State
import dev.usher.client.TokenProvider
import dev.usher.client.Transport
import dev.usher.client.Usher
import dev.usher.client.UsherConfig
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

const val DEADLINE_MS = 20_000L

/** The number that [LiveUsher.publish] gave this event. */
val Envelope.n: Int get() = data.jsonObject.getValue("n").jsonPrimitive.int

suspend fun <T> Channel<T>.next(): T = withTimeout(DEADLINE_MS) { receive() }

/** One device of a live test, with everything that it hears and says. */
class LiveDevice(
    url: String,
    token: TokenProvider,
    deviceId: String,
    storage: PositionStorage,
    clock: Clock,
    scope: CoroutineScope,
) {
    val heard = Channel<Int>(1_000)
    val progress = Channel<Progress>(100)
    val receipts = Channel<ReceiptsChanged>(100)
    val offline = Channel<Signal.Offline>(100)
    val refused = Channel<Signal.Refused>(1)
    val said = Channel<String>(1_000)
    val client: Usher = Usher.connect(
        UsherConfig(url, token, deviceId, "tv", storage = storage, transport = Listening(OkHttpTransport(), said), clock = clock),
    ) {
        on("note") { heard.trySend(it.n) }
        on<Progress> { progress.trySend(it.data) }
        on<ReceiptsChanged> { receipts.trySend(it.data) }
        scope.launch {
            signals.collect {
                if (it is Signal.Offline) offline.trySend(it)
                if (it is Signal.Refused) refused.trySend(it)
            }
        }
    }

    /** The events in the state, by their numbers. */
    val entries: List<Int> get() = client.state.value.entries.map { it.n }

    suspend fun await(condition: (State) -> Boolean): State = withTimeout(DEADLINE_MS) { client.state.first(condition) }

    suspend fun goLive(): LiveDevice = apply { await { it.connection == Connection.LIVE } }

    /** Fails unless exactly these are heard next, in this order. */
    suspend fun hears(vararg expected: Int) {
        val actual = mutableListOf<Int>()
        while (actual.size < expected.size) {
            actual += try { heard.next() } catch (late: Exception) { throw AssertionError("heard $actual, not ${expected.toList()}", late) }
            check(actual.last() == expected[actual.size - 1]) { "heard $actual, not ${expected.toList()}" }
        }
    }

    /** Returns the handshake of the next attempt. */
    suspend fun nextHandshake(): String {
        var text = said.next()
        while (!text.startsWith("40")) text = said.next()
        return text
    }

    /** Returns what it has said since the last call of this or of [nextHandshake]. */
    fun takeSaid(): List<String> = generateSequence { said.tryReceive().getOrNull() }.toList()

    /** Repeats what a device says to its server. */
    private class Listening(private val inner: Transport, private val said: Channel<String>) : Transport {
        override fun dial(url: String, listener: Transport.Listener): Transport.WebSocketConnection {
            val webSocket = inner.dial(url, listener)
            return object : Transport.WebSocketConnection by webSocket {
                override fun send(text: String): Boolean = webSocket.send(text).also { said.trySend(text) }
            }
        }

        override fun close() = inner.close()
    }
}
