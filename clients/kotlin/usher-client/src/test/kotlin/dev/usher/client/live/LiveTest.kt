package dev.usher.client.live

import dev.usher.client.Beat
import dev.usher.client.Clock
import dev.usher.client.Connection
import dev.usher.client.MemoryPositionStorage
import dev.usher.client.OkHttpTransport
import dev.usher.client.PlaybackState
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
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import java.util.UUID
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong

private const val DEADLINE_MS = 20_000L

/** Eight scenarios against a real Usher, through a line that is cut. Skipped unless `USHER_URL` names a development Usher. */
@EnabledIfEnvironmentVariable(named = "USHER_URL", matches = ".+")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveTest {
    private lateinit var usher: LiveUsher
    private lateinit var proxy: TcpProxy
    private lateinit var otherProxy: TcpProxy
    private lateinit var user: String
    private val devices = mutableListOf<Device>()
    private val scope = CoroutineScope(Dispatchers.Default)

    @BeforeAll
    fun find() {
        usher = checkNotNull(LiveUsher.fromEnvironment()) { "USHER_SERVICE_KEY and USHER_JWT_SECRET are needed too" }
    }

    @AfterAll
    fun release() {
        usher.close()
        scope.cancel()
    }

    @BeforeEach
    fun start() {
        user = "kotlin-${UUID.randomUUID()}"
        proxy = TcpProxy(usher.address)
        otherProxy = TcpProxy(usher.address)
    }

    @AfterEach
    fun stop() {
        devices.forEach { it.client.close() }
        devices.clear()
        proxy.close()
        otherProxy.close()
    }

    /** One device, with everything that it hears and says. */
    private inner class Device(
        deviceId: String,
        storage: PositionStorage = MemoryPositionStorage(),
        token: TokenProvider = TokenProvider { usher.token(user) },
        clock: Clock = Clock.System,
        line: TcpProxy = proxy,
    ) {
        val heard = Channel<Int>(1_000)
        val progress = Channel<Progress>(100)
        val receipts = Channel<ReceiptsChanged>(100)
        val offline = Channel<Signal.Offline>(100)
        val refused = Channel<Signal.Refused>(1)
        val said = Channel<String>(1_000)
        val client: Usher = Usher.connect(
            UsherConfig(line.url, token, deviceId, "tv", storage = storage, transport = Listening(OkHttpTransport(), said), clock = clock),
        ) {
            on("note") { heard.trySend(it.data.jsonObject.getValue("n").jsonPrimitive.int) }
            on<Progress> { progress.trySend(it.data) }
            on<ReceiptsChanged> { receipts.trySend(it.data) }
            scope.launch {
                signals.collect {
                    if (it is Signal.Offline) offline.trySend(it)
                    if (it is Signal.Refused) refused.trySend(it)
                }
            }
        }

        init {
            devices += this
        }

        suspend fun await(condition: (State) -> Boolean): State = withTimeout(DEADLINE_MS) { client.state.first(condition) }

        suspend fun goLive() = apply { await { it.connection == Connection.LIVE } }

        /** Returns the handshake of the next attempt. */
        suspend fun nextHandshake(): String = withTimeout(DEADLINE_MS) {
            var text = said.receive()
            while (!text.startsWith("40")) text = said.receive()
            text
        }
    }

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

    private suspend fun <T> Channel<T>.next(): T = withTimeout(DEADLINE_MS) { receive() }

    private fun live(test: suspend () -> Unit): Unit = runBlocking { test() }

    @Test
    fun `connect - a device comes live with the state of the server`() = live {
        usher.publish(user, 1)
        usher.publish(user, 2)
        val state = Device("tv").goLive().client.state.value
        val expected = usher.getState(user)
        assertEquals(expected.getValue("position").jsonObject.getValue("offset").jsonPrimitive.long, state.position?.offset)
        assertEquals(expected.getValue("entries").jsonArray.map { it.jsonObject.getValue("id").jsonPrimitive.content }, state.entries.map { it.id })
    }

    @Test
    fun `event - what is published is heard once and in order`() = live {
        val tv = Device("tv").goLive()
        for (n in 1..20) usher.publish(user, n)
        assertEquals((1..20).toList(), List(20) { tv.heard.next() })
        tv.await { it.position?.offset == 20L }
        assertTrue(tv.heard.isEmpty)
    }

    @Test
    fun `resume - what was published while the line was cut is heard once, by a replay`() = live {
        val tv = Device("tv").goLive()
        tv.nextHandshake()
        usher.publish(user, 1)
        assertEquals(1, tv.heard.next())
        proxy.cut()
        tv.await { it.connection != Connection.LIVE }
        for (n in 2..4) usher.publish(user, n)
        proxy.restore()
        assertEquals(listOf(2, 3, 4), List(3) { tv.heard.next() })
        usher.publish(user, 5)
        assertEquals(5, tv.heard.next())
        assertTrue(""""offset":"1"""" in tv.nextHandshake())
    }

    @Test
    fun `receipt - seen on one device is told to the other, also if the line was cut meanwhile`() = live {
        val tv = Device("tv").goLive()
        // On a line of its own: `receipts.changed` is routine, and a device that is cut off would miss it.
        val phone = Device("phone", line = otherProxy).goLive()
        usher.publish(user, 1)
        tv.heard.next()
        phone.heard.next()
        val event = tv.await { it.entries.isNotEmpty() }.entries.single()
        withTimeout(DEADLINE_MS) { tv.client.applied(event).await() }
        proxy.cut()
        tv.await { it.connection != Connection.LIVE }
        val seen = tv.client.seen(event)
        proxy.restore()
        withTimeout(DEADLINE_MS) { seen.await() }
        assertEquals(listOf(event.id), phone.receipts.next().ids)
    }

    @Test
    fun `heartbeat - the newest position of a show reaches the other device after a cut`() = live {
        val tv = Device("tv").goLive()
        val phone = Device("phone").goLive()
        tv.client.heartbeat(Beat("dark", 100.0, 3_000.0, PlaybackState.PLAYING)).let { withTimeout(DEADLINE_MS) { it.await() } }
        assertEquals(100.0, phone.progress.next().positionSeconds)
        proxy.cut()
        tv.await { it.connection != Connection.LIVE }
        val beats = listOf(200.0, 300.0).map { tv.client.heartbeat(Beat("dark", it, 3_000.0, PlaybackState.PAUSED)) }
        proxy.restore()
        withTimeout(DEADLINE_MS) { beats.forEach { it.await() } }
        phone.await { it.playback.singleOrNull()?.positionSeconds == 300.0 }
        assertEquals(300.0, tv.client.state.value.playback.single().positionSeconds)
    }

    @Test
    fun `token - a token is renewed on the same connection, which outlives the first one`() = live {
        val tokens = AtomicInteger()
        val seconds = 6L
        val tv = Device("tv", token = { usher.token(user, if (tokens.incrementAndGet() == 1) seconds else 3_600) }).goLive()
        val connectedAt = System.nanoTime()
        var text = tv.said.next()
        while (""""token.refresh"""" !in text) text = tv.said.next()
        // Without the renewal the server would close two seconds after the expiry. An event is awaited for longer than that.
        withTimeout(DEADLINE_MS) {
            var n = 0
            while (System.nanoTime() - connectedAt < (seconds + 4) * 1_000_000_000L) {
                usher.publish(user, ++n)
                assertEquals(n, tv.heard.receive())
                kotlinx.coroutines.delay(250)
            }
        }
        assertEquals(2, tokens.get())
        assertTrue(tv.offline.isEmpty)
    }

    @Test
    fun `superseded - a second connection of the same device closes the first for good`() = live {
        val first = Device("tv").goLive()
        val second = Device("tv").goLive()
        assertEquals("superseded", first.refused.next().error.code)
        assertEquals(Connection.CLOSED, first.client.state.value.connection)
        usher.publish(user, 1)
        assertEquals(1, second.heard.next())
        assertTrue(first.heard.isEmpty)
    }

    @Test
    fun `absence - after two hours a device asks for a snapshot, and hears what it missed once`() = live {
        val sleptMs = AtomicLong()
        val clock = object : Clock by Clock.System {
            override fun elapsedMs(): Long = Clock.System.elapsedMs() + sleptMs.get()
        }
        val tv = Device("tv", clock = clock).goLive()
        tv.nextHandshake()
        usher.publish(user, 1)
        assertEquals(1, tv.heard.next())
        proxy.cut()
        tv.await { it.connection != Connection.LIVE }
        sleptMs.set(2 * 3_600_000L)
        for (n in 2..4) usher.publish(user, n)
        proxy.restore()
        assertEquals(listOf(2, 3, 4), List(3) { tv.heard.next() })
        tv.goLive()
        var handshake = tv.nextHandshake() // an attempt before the jump of the clock may have been under way
        while (!tv.said.isEmpty && """"epoch"""" in handshake) handshake = tv.nextHandshake()
        assertFalse(""""epoch"""" in handshake)
        assertEquals(listOf(1, 2, 3, 4), tv.client.state.value.entries.map { it.data.jsonObject.getValue("n").jsonPrimitive.int })
    }
}
