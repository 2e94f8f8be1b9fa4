package dev.usher.client.live

import dev.usher.client.Beat
import dev.usher.client.Clock
import dev.usher.client.Connection
import dev.usher.client.MemoryPositionStorage
import dev.usher.client.PlaybackState
import dev.usher.client.PositionStorage
import dev.usher.client.TokenProvider
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
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
import org.junit.jupiter.api.DisplayName
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInfo
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import java.util.UUID
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong

/**
 * The eight scenarios that every client plays with a real Usher (clients/conformance/README.md), and four more, all through a line that is cut.
 * Skipped unless `USHER_URL` names a development Usher.
 */
@EnabledIfEnvironmentVariable(named = "USHER_URL", matches = ".+")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveTest {
    private lateinit var usher: LiveUsher
    private lateinit var proxy: TcpProxy
    private lateinit var otherProxy: TcpProxy
    private lateinit var user: String
    private lateinit var title: String
    private val devices = mutableListOf<LiveDevice>()
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
    fun start(test: TestInfo) {
        title = test.displayName
        println("conformance $title")
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

    /** Returns a device that is live. */
    private suspend fun open(
        deviceId: String = "tv",
        storage: PositionStorage = MemoryPositionStorage(),
        clock: Clock = Clock.System,
        line: TcpProxy = proxy,
        token: TokenProvider = TokenProvider { usher.token(user) },
    ): LiveDevice = LiveDevice(line.url, token, deviceId, storage, clock, scope).also { devices += it }.goLive()

    /** Cuts the line, acts, and waits until the device is live again. */
    private suspend fun cutDuring(device: LiveDevice, act: suspend () -> Unit) {
        proxy.cut()
        device.await { it.connection != Connection.LIVE }
        act()
        proxy.restore()
        device.goLive()
    }

    private suspend fun LiveDevice.awaitOffset(offset: Long) = await { it.position?.offset == offset }

    private suspend fun awaitAll(calls: List<Deferred<*>>) = withTimeout(DEADLINE_MS) { calls.awaitAll() }

    /** A failure names the scenario. */
    private fun live(test: suspend () -> Unit): Unit = runBlocking {
        try { test() } catch (error: Throwable) { throw AssertionError("$title: ${error.message}", error) }
    }

    @Test
    @DisplayName("position/fresh-device: it hears nothing of the past, and everything after it, also after a cut")
    fun freshDevice() = live {
        usher.publish(user, 1..2)
        val tv = open()
        usher.publish(user, 3..3)
        tv.hears(3)
        cutDuring(tv) { usher.publish(user, 4..4) }
        tv.hears(4)
        tv.await { it.entries.size == 4 && it.position?.offset == 4L }
        assertEquals(listOf(1, 2, 3, 4), tv.entries)
        assertEquals(usher.getState(user).getValue("position").jsonObject.getValue("offset").jsonPrimitive.long, 4L)
        assertTrue(tv.heard.isEmpty)
    }

    @Test
    @DisplayName("position/restart: it hears only what it had not heard")
    fun restart() = live {
        val storage = MemoryPositionStorage()
        val first = open(storage = storage)
        usher.publish(user, 1..1)
        first.hears(1)
        first.awaitOffset(1)
        proxy.cut()
        first.client.close()
        usher.publish(user, 2..3)
        proxy.restore()
        val second = open(storage = storage)
        second.hears(2, 3)
        usher.publish(user, 4..4)
        second.hears(4)
        assertTrue(first.heard.isEmpty)
    }

    @Test
    @DisplayName("position/short-break: it hears what it missed once, in order, by a replay")
    fun shortBreak() = live {
        val tv = open()
        tv.nextHandshake()
        usher.publish(user, 1..1)
        tv.hears(1)
        cutDuring(tv) { usher.publish(user, 2..4) }
        usher.publish(user, 5..5)
        tv.hears(2, 3, 4, 5)
        assertTrue(""""offset":"1"""" in tv.nextHandshake())
    }

    @Test
    @DisplayName("position/compacted: offsets that a replay leaves out are no hole")
    fun compacted() = live {
        val tv = open()
        usher.publish(user, 1..1)
        tv.hears(1)
        cutDuring(tv) { for (n in 2..5) usher.publish(user, n..n, key = "same") }
        usher.publish(user, 6..6)
        tv.hears(5, 6)
        tv.awaitOffset(6)
        assertFalse(tv.takeSaid().any { """"sync"""" in it })
    }

    @Test
    @DisplayName("position/silent: an event for another device is not heard and leaves no gap")
    fun silent() = live {
        val tv = open()
        val phone = open("phone", line = otherProxy)
        usher.publish(user, 1..1, deviceId = "phone")
        usher.publish(user, 2..2)
        tv.hears(2)
        cutDuring(tv) {
            usher.publish(user, 3..3, deviceId = "phone")
            usher.publish(user, 4..4)
            usher.publish(user, 5..5, deviceId = "phone")
        }
        usher.publish(user, 6..6)
        tv.hears(4, 6)
        phone.hears(1, 2, 3, 4, 5, 6)
        tv.awaitOffset(6)
        assertFalse(tv.takeSaid().any { """"sync"""" in it })
    }

    @Test
    @DisplayName("connection/superseded: the older connection of a device closes for good")
    fun superseded() = live {
        val first = open()
        val second = open()
        assertEquals("superseded", first.refused.next().error.code)
        assertEquals(Connection.CLOSED, first.client.state.value.connection)
        cutDuring(second) { usher.publish(user, 1..1) }
        second.hears(1)
        assertTrue(first.heard.isEmpty)
    }

    @Test
    @DisplayName("token/account-switch: the next user inherits nothing, and the first one misses nothing")
    fun accountSwitch() = live {
        val (ann, bob) = user to "$user-bob"
        val tv = open() // with the tokens of `user`
        usher.publish(ann, 1..2)
        tv.hears(1, 2)
        tv.awaitOffset(2)
        cutDuring(tv) {
            user = bob
            usher.publish(bob, 11..11)
        }
        assertEquals(listOf(11), tv.entries)
        usher.publish(bob, 12..12)
        tv.hears(12) // and not 11, which is of the past
        tv.awaitOffset(2)
        cutDuring(tv) {
            user = ann
            usher.publish(ann, 3..3)
        }
        tv.hears(3)
        assertEquals(listOf(1, 2, 3), tv.entries)
    }

    @Test
    @DisplayName("outgoing/receipts: 300 receipts that waited are all taken")
    fun receipts() = live {
        val tv = open()
        usher.publish(user, 1..300)
        tv.hears(*(1..300).toList().toIntArray())
        tv.awaitOffset(300)
        val calls = mutableListOf<Deferred<Unit>>()
        cutDuring(tv) { tv.client.state.value.entries.forEach { calls += tv.client.seen(it) } }
        assertEquals(300, calls.size)
        awaitAll(calls)
    }

    @Test
    @DisplayName("receipt: seen on one device is told to the other, also if the line was cut meanwhile")
    fun receiptOfAnotherDevice() = live {
        val tv = open()
        // On a line of its own: `receipts.changed` is routine, and a device that is cut off would miss it.
        val phone = open("phone", line = otherProxy)
        usher.publish(user, 1..1)
        tv.hears(1)
        phone.hears(1)
        val event = tv.await { it.entries.isNotEmpty() }.entries.single()
        awaitAll(listOf(tv.client.applied(event)))
        val seen = mutableListOf<Deferred<Unit>>()
        cutDuring(tv) { seen += tv.client.seen(event) }
        awaitAll(seen)
        assertEquals(listOf(event.id), phone.receipts.next().ids)
    }

    @Test
    @DisplayName("heartbeat: the newest position of a show reaches the other device after a cut")
    fun heartbeat() = live {
        val tv = open()
        val phone = open("phone")
        awaitAll(listOf(tv.client.heartbeat(Beat("dark", 100.0, 3_000.0, PlaybackState.PLAYING))))
        assertEquals(100.0, phone.progress.next().positionSeconds)
        val beats = mutableListOf<Deferred<*>>()
        cutDuring(tv) { for (seconds in listOf(200.0, 300.0)) beats += tv.client.heartbeat(Beat("dark", seconds, 3_000.0, PlaybackState.PAUSED)) }
        awaitAll(beats)
        phone.await { it.playback.singleOrNull()?.positionSeconds == 300.0 }
        assertEquals(300.0, tv.client.state.value.playback.single().positionSeconds)
    }

    @Test
    @DisplayName("token: a token is renewed on the same connection, which outlives the first one")
    fun token() = live {
        val tokens = AtomicInteger()
        val seconds = 6L
        val tv = open(token = { usher.token(user, if (tokens.incrementAndGet() == 1) seconds else 3_600) })
        val connectedAt = System.nanoTime()
        var text = tv.said.next()
        while (""""token.refresh"""" !in text) text = tv.said.next()
        // Without the renewal the server would close two seconds after the expiry. Events are published for longer than that.
        var n = 0
        while (System.nanoTime() - connectedAt < (seconds + 4) * 1_000_000_000L) {
            n++
            usher.publish(user, n..n)
            tv.hears(n)
            delay(250)
        }
        assertEquals(2, tokens.get())
        assertTrue(tv.offline.isEmpty)
    }

    @Test
    @DisplayName("absence: after two hours a device asks for a snapshot, and hears what it missed once")
    fun absence() = live {
        val sleptMs = AtomicLong()
        val clock = object : Clock by Clock.System {
            override fun elapsedMs(): Long = Clock.System.elapsedMs() + sleptMs.get()
        }
        val tv = open(clock = clock)
        usher.publish(user, 1..1)
        tv.hears(1)
        cutDuring(tv) {
            sleptMs.set(2 * 3_600_000L)
            usher.publish(user, 2..4)
        }
        tv.hears(2, 3, 4)
        assertFalse(""""epoch"""" in tv.takeSaid().last { it.startsWith("40") })
        assertEquals(listOf(1, 2, 3, 4), tv.entries)
    }
}
