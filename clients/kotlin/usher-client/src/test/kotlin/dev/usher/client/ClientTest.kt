package dev.usher.client

import app.cash.turbine.test
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.test.runTest
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private val BEAT = Beat("dark", 60.0, 3_000.0, PlaybackState.PLAYING)

@OptIn(ExperimentalCoroutinesApi::class)
class ClientTest {
    @Test
    fun `the state is a flow from connecting to live to closed`() = runTest {
        val rig = Rig(this)
        rig.client.state.test {
            assertEquals(Connection.OFFLINE, awaitItem().connection)
            rig.settle()
            assertEquals(Connection.CONNECTING, awaitItem().connection)
            rig.goLive()
            assertEquals(Connection.LIVE, expectMostRecentItem().connection)
            rig.client.close()
            assertEquals(Connection.CLOSED, awaitItem().connection)
        }
    }

    @Test
    fun `a closed client leaves no timer behind, whatever it was doing`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        rig.client.playing { BEAT }
        rig.client.heartbeat(BEAT)
        rig.event("""{"offset":5}""") // a gap: a sync is under way
        rig.client.close()
        rig.settle()
        assertTrue(rig.line.isClosedByClient)
        val before = testScheduler.currentTime
        testScheduler.advanceUntilIdle() // the background scope of the pretend server does not count
        assertEquals(before, testScheduler.currentTime)
    }

    @Test
    fun `a call after close fails as closed`() = runTest {
        val rig = Rig(this)
        rig.client.close()
        rig.client.close()
        rig.settle()
        assertEquals("closed", codeOf { rig.client.heartbeat(BEAT).await(); Unit })
        assertEquals("closed", codeOf { rig.client.seen("e-1").await() })
    }

    @Test
    fun `playing sends its first heartbeat after a minute, then as often as the server wants, and a pause once`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        var beat = BEAT
        val playing = rig.client.playing { beat }
        rig.advance(59_999)
        assertEquals(0, rig.line.sent.size)
        rig.advance(1)
        rig.reply("""{"ok":true,"nextSeconds":120}""")
        rig.advance(119_999)
        assertEquals(0, rig.line.sent.size)
        rig.advance(1)
        rig.reply("""{"ok":true,"nextSeconds":120}""")
        beat = BEAT.copy(state = PlaybackState.PAUSED)
        rig.advance(120_000)
        assertEquals("paused", rig.line.sent.single().payload["state"].textOrNull)
        rig.reply("""{"ok":true,"nextSeconds":120}""")
        rig.advance(360_000)
        assertEquals(0, rig.line.sent.size)
        beat = BEAT
        playing.close()
        rig.advance(360_000)
        assertEquals(0, rig.line.sent.size)
    }

    @Test
    fun `a player that throws is reported and does not end its heartbeats`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        var isBroken = true
        rig.client.playing { if (isBroken) error("no player") else BEAT }
        rig.client.signals.test {
            rig.advance(60_000)
            assertEquals("no player", (awaitItem() as Signal.Failure).error.message)
            isBroken = false
            rig.advance(60_000)
            assertEquals("playback.heartbeat", rig.line.sent.single().name)
        }
    }

    @Test
    fun `a heartbeat that is under way when the client is closed is no failure of the app`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        rig.client.playing { BEAT }
        rig.client.signals.test {
            rig.advance(60_000)
            rig.client.close()
            rig.settle()
            expectNoEvents()
        }
    }

    @Test
    fun `a heartbeat carries the server's time, however wrong the device's clock is`() = runTest {
        val rig = Rig(this)
        rig.goLive("""{"serverTime":"2026-06-01T12:00:00.000Z"}""")
        rig.advance(1_500)
        rig.client.heartbeat(BEAT)
        rig.settle()
        assertEquals("2026-06-01T12:00:01.500Z", rig.line.sent.single().payload["at"].textOrNull)
        assertEquals(60.0, rig.line.sent.single().payload.getValue("positionSeconds").jsonPrimitive.double)
    }

    @Test
    fun `of two heartbeats of the same instant the later call is what the state shows`() = runTest {
        val rig = Rig(this)
        rig.client.heartbeat(BEAT)
        rig.client.heartbeat(BEAT.copy(positionSeconds = 61.0))
        rig.goLive()
        rig.reply("""{"ok":true,"nextSeconds":60}""")
        assertEquals(61.0, rig.client.state.value.playback.single().positionSeconds)
    }

    @Test
    fun `a storage that hangs holds up an event for five seconds at most, and is reported once`() = runTest {
        val hanging = object : PositionStorage {
            override suspend fun get(name: String): String? = null
            override suspend fun set(name: String, value: String) = awaitCancellation()
        }
        val rig = Rig(this, hanging)
        rig.client.signals.test {
            rig.goLive()
            rig.advance(5_000)
            assertEquals("storage", ((awaitItem() as Signal.Failure).error as UsherError).code)
            rig.event("""{"offset":1}""")
            rig.advance(4_999)
            assertEquals(emptyList<String>(), rig.log)
            rig.advance(1)
            assertEquals(listOf("acked 1"), rig.log)
            expectNoEvents()
        }
    }

    @Test
    fun `a stored position is read again when the attempt that read it was given up`() = runTest {
        var reads = 0
        val heard = mutableListOf<Long?>()
        val readStored = suspend {
            reads++
            if (reads == 1) delay(4_000)
            Rig.positionAt(4)
        }
        var isTokenSlow = true
        val rig = Rig(this, readStored = readStored, beforeToken = { if (isTokenSlow) delay(17_000) }) { on("note") { heard += it.offset } }
        rig.advance(20_000) // the token took 17 s of the 20 that an attempt has, and the storage takes longer than the rest
        isTokenSlow = false
        rig.advance(1_000)
        rig.goLive(offset = 6, entries = """[{"offset":4},{"offset":5},{"offset":6}]""")
        assertEquals(2, reads)
        assertEquals(listOf<Long?>(5, 6), heard)
    }

    @Test
    fun `a stored position that cannot be read is reported and tried again, and nothing is stored over it`() = runTest {
        var reads = 0
        val heard = mutableListOf<Long?>()
        val rig = Rig(this, readStored = { if (++reads == 1) error("locked") else Rig.positionAt(4) }) { on("note") { heard += it.offset } }
        rig.client.signals.test {
            rig.settle()
            assertEquals("storage", ((awaitItem() as Signal.Failure).error as UsherError).code)
            assertEquals("storage", (awaitItem() as Signal.Offline).error.code)
            assertEquals(0, rig.lines.size)
            rig.advance(500)
            rig.goLive(offset = 5, entries = """[{"offset":4},{"offset":5}]""")
            assertEquals(listOf<Long?>(5), heard)
            assertEquals(listOf("stored 5"), rig.log)
            expectNoEvents()
        }
    }

    @Test
    fun `a storage that can never be read costs what was missed, not the connection`() = runTest {
        val heard = mutableListOf<Long?>()
        val rig = Rig(this, readStored = { awaitCancellation() }) { on("note") { heard += it.offset } }
        rig.advance(5_000 + 500)
        rig.advance(5_000 + 1_000)
        assertEquals(0, rig.lines.size)
        rig.advance(5_000)
        rig.goLive(offset = 5, entries = """[{"offset":5}]""")
        rig.event("""{"offset":6}""")
        assertEquals(listOf<Long?>(6), heard)
        assertEquals(Connection.LIVE, rig.client.state.value.connection)
    }

    @Test
    fun `a message that was pushed out by newer ones may be sent again later`() = runTest {
        val rig = Rig(this)
        val first = rig.client.seen("first")
        for (n in 1..1_000) rig.client.seen("e-$n")
        rig.settle()
        val error = runCatching { first.await() }.exceptionOrNull() as UsherError
        assertEquals("queue_full", error.code)
        assertTrue(error.retryable)
    }

    @Test
    fun `a message that is no packet ends the connection, which comes back`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        rig.client.signals.test {
            rig.line.sendRaw("42[")
            rig.settle()
            assertEquals("protocol", (awaitItem() as Signal.Offline).error.code)
        }
        assertFalse(rig.line.isOpen)
        rig.advance(500)
        assertEquals(2, rig.lines.size)
    }

    @Test
    fun `neither an error nor the state shows the token`() = runTest {
        val rig = Rig(this)
        rig.goLive()
        rig.token = "ann/secret"
        rig.line.sendFrame("token.expiring", Rig.json("{}"))
        rig.settle()
        val token = rig.line.sent.last().payload["token"].textOrNull!!
        rig.client.signals.test {
            rig.reply("""{"ok":false,"error":{"code":"token_invalid","message":"no","retryable":false}}""")
            val error = (awaitItem() as Signal.Failure).error
            assertFalse(token in error.stackTraceToString())
        }
        assertFalse(token in rig.client.state.value.toString())
    }

    @Test
    fun `a position is neither kept nor looked for before it is known whose it is`() = runTest {
        val names = mutableListOf<String>()
        val storage = object : PositionStorage {
            override suspend fun get(name: String): String? = null.also { names += name }
            override suspend fun set(name: String, value: String) {
                names += name
            }
        }
        val rig = Rig(this, storage)
        rig.settle()
        rig.goLive()
        assertEquals(setOf("usher:position:https%3A%2F%2Fusher.test:ann:tv"), names.toSet())
        assertNull(rig.client.state.value.membership)
    }

    private suspend fun codeOf(call: suspend () -> Unit): String? = (runCatching { call() }.exceptionOrNull() as? UsherError)?.code
}
