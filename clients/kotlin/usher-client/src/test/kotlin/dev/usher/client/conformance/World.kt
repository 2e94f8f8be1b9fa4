package dev.usher.client.conformance

import dev.usher.client.Clock
import dev.usher.client.Envelope
import dev.usher.client.PositionStorage
import dev.usher.client.Signal
import dev.usher.client.StoredPosition
import dev.usher.client.TokenProvider
import dev.usher.client.Transport
import dev.usher.client.Usher
import dev.usher.client.UsherConfig
import dev.usher.client.UsherError
import dev.usher.client.parsePosition
import dev.usher.client.parseStoredPosition
import dev.usher.client.storageName
import dev.usher.client.textOrNull
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestCoroutineScheduler
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import java.time.Instant
import java.util.Base64

private const val URL = "https://usher.test"
val START_MS: Long = Instant.parse("2026-01-01T00:00:00.000Z").toEpochMilli()

/** The unsigned token of this name: `ann` or `ann/2`. */
fun createToken(name: String): String {
    val (user, id) = name.split('/').let { it[0] to it.getOrNull(1) }
    val encoder = Base64.getUrlEncoder().withoutPadding()
    val claims = if (id == null) """{"sub":"$user"}""" else """{"sub":"$user","jti":"$id"}"""
    return listOf("""{"alg":"none"}""", claims).joinToString(".") { encoder.encodeToString(it.toByteArray()) } + ".x"
}

/** What one scenario runs in: the app with the real client, its storage and tokens, and a record of what they did. */
@OptIn(ExperimentalCoroutinesApi::class)
class World(private val random: Double, private var token: String, private val isFixed: Boolean, stored: Map<String, JsonObject>) {
    val scheduler = TestCoroutineScheduler()
    private val dispatcher = StandardTestDispatcher(scheduler)
    private val scope = CoroutineScope(dispatcher)
    val lines = mutableListOf<FakeLine>()
    val heard = mutableListOf<Any>()
    val acked = mutableListOf<Any>()
    val log = mutableListOf<String>()
    val errors = mutableListOf<String>()
    val offline = mutableListOf<String>()
    var refused: String? = null
    var callsOk = 0
    val callsFailed = mutableMapOf<String, Int>()
    val retryable = mutableMapOf<String, Boolean>()
    var tokens = 0
    var handler = "works"
    var storageFails = false
    private val items = HashMap<String, String>()
    private var awaited = CompletableDeferred<String>()
    private var sleptMs = 0L
    private var setByMs = 0L
    private val elapsedMs: Long get() = scheduler.currentTime + sleptMs

    /** The true time, as the server has it. */
    val nowMs: Long get() = START_MS + elapsedMs
    lateinit var client: Usher
        private set

    init {
        for ((user, position) in stored) items[storageName(URL, user, "tv")] = position.toString()
        start()
    }

    /** The app ends without closing its client. Nothing that this one does from now on counts. */
    fun restart() {
        val former = client
        val lastLine = lines.lastOrNull()?.takeIf { it.isOpen }
        start()
        lastLine?.cut()
        former.close()
    }

    fun setToken(name: String) {
        token = name
        if (name == "hangs") return
        awaited.complete(name)
        awaited = CompletableDeferred()
    }

    fun call(act: Usher.() -> Deferred<*>) {
        val result = client.act()
        result.invokeOnCompletion { error ->
            if (error == null) callsOk++ else recordFailedCall(error)
        }
    }

    fun advance(ms: Long) {
        scheduler.advanceTimeBy(ms)
        settle()
    }

    /** The device sleeps: no timer fires. */
    fun sleep(ms: Long) {
        sleptMs += ms
    }

    /** The system's clock is set. */
    fun setClock(ms: Long) {
        setByMs += ms
    }

    fun settle() = scheduler.runCurrent()

    internal fun getStored(userId: String): StoredPosition? =
        items[storageName(URL, userId, "tv")]?.let { parseStoredPosition(Json.parseToJsonElement(it)) }

    fun close() {
        client.close()
        settle()
        scope.cancel()
        settle()
    }

    private fun start() {
        lateinit var started: Usher
        fun isCurrent() = started === client
        val config = UsherConfig(
            url = URL,
            token = if (isFixed) UsherConfig.fixedToken(createToken(token)) else TokenProvider { fetchToken(isCurrent()) },
            deviceId = "tv",
            platform = "tv",
            storage = storage(::isCurrent),
            transport = object : Transport {
                override fun dial(url: String, listener: Transport.Listener): Transport.WebSocketConnection {
                    check(url == "$URL/socket.io/?EIO=4&transport=websocket") { url }
                    return FakeLine(scope, listener) { if (isCurrent()) recordAck(it) }.also { if (isCurrent()) lines += it }
                }
            },
            dispatcher = dispatcher,
            clock = object : Clock {
                override fun wallMs() = nowMs + setByMs
                override fun elapsedMs() = elapsedMs
            },
            random = { random },
        )
        started = Usher.connect(config) { onAny { if (isCurrent()) hear(it) } }
        client = started
        CoroutineScope(scope.coroutineContext + UnconfinedTestDispatcher(scheduler)).launch {
            started.signals.collect { if (isCurrent()) record(it) }
        }
    }

    private suspend fun fetchToken(counts: Boolean): String {
        if (counts) tokens++
        if (token == "fails") error("no token")
        return createToken(if (token == "hangs") awaited.await() else token)
    }

    private fun storage(isCurrent: () -> Boolean) = object : PositionStorage {
        override suspend fun get(name: String) = items[name]

        override suspend fun set(name: String, value: String) {
            if (!isCurrent()) return
            if (storageFails) error("full")
            log += "stored ${parsePosition(Json.parseToJsonElement(value))?.offset}"
            items[name] = value
        }
    }

    private fun hear(event: Envelope) {
        heard += event.offset ?: event.id
        log += "heard ${event.offset ?: event.id}"
        if (handler == "closes") client.close()
        if (handler == "throws") throw IllegalStateException("the app has a bug")
    }

    private fun recordAck(payload: JsonObject) {
        val event = if ("broadcast" in payload) payload.text("id") else payload["offset"]?.toString()?.toLong() ?: return
        acked += event
        log += "acked $event"
    }

    private fun record(signal: Signal) {
        when (signal) {
            is Signal.Offline -> offline += signal.error.code
            is Signal.Refused -> refused = signal.error.code
            is Signal.Failure -> errors += codeOf(signal.error)
        }
    }

    private fun recordFailedCall(error: Throwable) {
        callsFailed.merge(codeOf(error), 1, Int::plus)
        retryable[codeOf(error)] = (error as? UsherError)?.retryable == true
    }

    private fun codeOf(error: Throwable): String = (error as? UsherError)?.code ?: "app"
}
