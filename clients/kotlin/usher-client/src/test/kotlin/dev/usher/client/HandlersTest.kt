package dev.usher.client

import app.cash.turbine.test
import app.cash.turbine.turbineScope
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

@Serializable
@SerialName("party.invited")
private data class PartyInvited(val partyId: String)

@Serializable
@SerialName("Party.roomOpened")
private data class RoomOpened(val roomId: String)

@OptIn(ExperimentalCoroutinesApi::class)
class HandlersTest {
    @Test
    fun `a suspended handler holds back store, ack and flow, and pings are answered meanwhile`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val rig = Rig(this) { on("note") { gate.await() } }
        rig.client.events.test {
            rig.goLive()
            rig.log.clear()
            rig.event("""{"offset":1}""")
            rig.advance(50_000) // beyond ping interval and timeout
            assertEquals(emptyList<String>(), rig.log)
            expectNoEvents()
            assertEquals(Connection.LIVE, rig.client.state.value.connection)
            assertEquals(0L, rig.client.state.value.position?.offset)
            gate.complete(Unit)
            rig.settle()
            assertEquals(listOf("stored 1", "acked 1"), rig.log)
            assertEquals(1L, awaitItem().offset)
            assertEquals(1L, rig.client.state.value.position?.offset)
            rig.client.close()
            awaitComplete()
        }
    }

    @Test
    fun `a handler that takes longer than a minute is cancelled and reported, and the next event is heard`() = runTest {
        val heard = mutableListOf<Long?>()
        var isCancelled = false
        val rig = Rig(this) {
            on("note") {
                heard += it.offset
                if (it.offset == 1L) try { awaitCancellation() } finally { isCancelled = true }
            }
        }
        rig.client.signals.test {
            rig.goLive()
            rig.event("""{"offset":1}""")
            rig.event("""{"offset":2}""")
            rig.advance(59_999)
            assertEquals(listOf<Long?>(1), heard)
            rig.advance(1)
            assertEquals("handler_timeout", ((awaitItem() as Signal.Failure).error as UsherError).code)
            assertTrue(isCancelled)
            assertEquals(listOf<Long?>(1, 2), heard)
            assertEquals(listOf("stored 0", "stored 1", "acked 1", "stored 2", "acked 2"), rig.log)
        }
    }

    @Test
    fun `an event whose handler runs while the line is cut is heard once, and acknowledged on the next line`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val heard = mutableListOf<Long?>()
        val rig = Rig(this) {
            on("note") {
                heard += it.offset
                gate.await()
            }
        }
        rig.goLive()
        rig.event("""{"offset":1}""")
        rig.line.cut()
        rig.advance(500)
        assertEquals(2, rig.lines.size)
        gate.complete(Unit)
        rig.resume(1)
        rig.event("""{"offset":1}""")
        assertEquals(listOf<Long?>(1), heard)
        assertEquals(listOf("stored 0", "stored 1", "acked 1"), rig.log)
    }

    @Test
    fun `nothing is committed for a user who was replaced while a handler ran`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val rig = Rig(this) { on("note") { gate.await() } }
        rig.goLive()
        rig.event("""{"offset":1}""")
        rig.token = "bob"
        rig.line.cut()
        rig.advance(500)
        gate.complete(Unit)
        rig.settle()
        assertEquals(emptyList<Envelope>(), rig.client.state.value.entries)
        assertEquals(listOf("stored 0"), rig.log)
        rig.goLive("""{"userId":"bob","epoch":"b1"}""")
        assertEquals(listOf("stored 0", "stored 0"), rig.log)
        assertEquals(emptyList<Envelope>(), rig.client.state.value.entries)
    }

    @Test
    fun `a thousand events may wait for a slow handler, one more ends the connection`() = runTest {
        val rig = Rig(this) { on("hint") { awaitCancellation() } }
        rig.client.signals.test {
            rig.goLive()
            repeat(1_001) { rig.event("{}") } // the first is being handled
            assertEquals(Connection.LIVE, rig.client.state.value.connection)
            rig.event("{}")
            assertEquals("slow", (awaitItem() as Signal.Offline).error.code)
            assertTrue(rig.line.isClosedByClient)
        }
    }

    @Test
    fun `events are decoded for Usher's own types and for the app's, and data of another form is reported and blocks nothing`() = runTest {
        val stopped = mutableListOf<String>()
        val parties = mutableListOf<String>()
        val rig = Rig(this) {
            on<StreamStop> { stopped += it.data.streamId }
            on<PartyInvited> { parties += it.data.partyId }
        }
        rig.client.signals.test {
            rig.goLive()
            rig.event("""{"offset":1,"type":"stream.stop","data":{"streamId":"s-1","reason":"operator","later":true}}""")
            rig.event("""{"offset":2,"type":"party.invited","data":{"partyId":"p-1"}}""")
            rig.event("""{"offset":3,"type":"party.invited","data":{"partyId":{}}}""")
            assertTrue(awaitItem() is Signal.Failure)
            rig.event("""{"offset":4,"type":"party.invited","data":{"partyId":"p-2"}}""")
        }
        assertEquals(listOf("s-1"), stopped)
        assertEquals(listOf("p-1", "p-2"), parties)
        assertEquals(4L, rig.client.state.value.position?.offset)
    }

    @Serializable
    private class Nameless

    @Test
    fun `a class without the name of an event type is refused at once`() = runTest {
        val rig = Rig(this)
        assertThrows(IllegalArgumentException::class.java) { rig.client.on<Nameless> { } }
        assertThrows(IllegalArgumentException::class.java) { rig.client.on<Map<String, String>> { } }
        assertThrows(IllegalArgumentException::class.java) { rig.client.on("party invited", PartyInvited.serializer()) { } }
    }

    @Test
    fun `the type of an event may have capital letters, as on the server`() = runTest {
        val rooms = mutableListOf<String>()
        val rig = Rig(this) { on<RoomOpened> { rooms += it.data.roomId } }
        rig.goLive()
        rig.event("""{"offset":1,"type":"Party.roomOpened","data":{"roomId":"r-1"}}""")
        assertEquals(listOf("r-1"), rooms)
    }

    @Test
    fun `nothing more of a snapshot is heard once the client is closed, and no more of it is stored`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val heard = mutableListOf<Long?>()
        val rig = Rig(this, readStored = { Rig.positionAt(4) }) {
            on("note") {
                heard += it.offset
                gate.await()
            }
        }
        rig.goLive(offset = 8, entries = """[{"offset":5},{"offset":6},{"offset":7},{"offset":8}]""")
        assertEquals(listOf<Long?>(5), heard)
        rig.client.close() // the account changed while the handler was running
        rig.settle()
        gate.complete(Unit)
        rig.settle()
        assertEquals(listOf<Long?>(5), heard)
        assertEquals(listOf("stored 5"), rig.log)
    }

    @Test
    fun `nothing of a snapshot is heard after a handler closed the client`() = runTest {
        val heard = mutableListOf<Long?>()
        lateinit var client: Usher
        val rig = Rig(this, readStored = { Rig.positionAt(4) }) {
            on("note") {
                heard += it.offset
                client.close()
            }
        }
        client = rig.client
        rig.goLive(offset = 8, entries = """[{"offset":5},{"offset":6}]""")
        assertEquals(listOf<Long?>(5), heard)
    }

    @Test
    fun `the event whose handler was running when the client was closed is stored, and the next one is not heard`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val heard = mutableListOf<Long?>()
        val rig = Rig(this) {
            on("note") {
                heard += it.offset
                gate.await()
            }
        }
        rig.goLive()
        rig.event("""{"offset":1}""")
        rig.event("""{"offset":2}""")
        rig.client.close()
        gate.complete(Unit)
        rig.settle()
        assertEquals(listOf<Long?>(1), heard)
        assertEquals(listOf("stored 0", "stored 1"), rig.log)
    }

    @Test
    fun `once close has returned no handler is entered, even before the client gets to disconnect`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val heard = mutableListOf<Long?>()
        lateinit var client: Usher
        val closing = object : PositionStorage {
            override suspend fun get(name: String): String? = null

            override suspend fun set(name: String, value: String) {
                if (value == Rig.positionAt(1)) client.close()
            }
        }
        val rig = Rig(this, closing) {
            on("note") {
                heard += it.offset
                gate.await()
            }
        }
        client = rig.client
        rig.goLive()
        rig.event("""{"offset":1}""")
        rig.event("""{"offset":2}""")
        gate.complete(Unit)
        rig.settle()
        assertEquals(listOf<Long?>(1), heard)
    }

    @Test
    fun `an event whose handler runs while the position is given up is heard once`() = runTest {
        val gate = CompletableDeferred<Unit>()
        val heard = mutableListOf<Long?>()
        val rig = Rig(this) {
            on("note") {
                heard += it.offset
                gate.await()
            }
        }
        rig.goLive()
        rig.event("""{"offset":2}""") // a hole: a sync is sent
        rig.event("""{"offset":1}""")
        rig.reply("""{"ok":false,"error":{"code":"forbidden","message":"no","retryable":false}}""")
        gate.complete(Unit)
        rig.settle()
        rig.advance(500)
        rig.goLive(offset = 2, entries = """[{"offset":1},{"offset":2}]""")
        assertEquals(2, rig.lines.size)
        assertEquals(listOf<Long?>(1, 2), heard)
        assertEquals(2L, rig.client.state.value.position?.offset)
    }

    @Test
    fun `a collector keeps what it has when an event is committed after close, and is not called slow`() = runTest {
        turbineScope {
            val gate = CompletableDeferred<Unit>()
            val isReading = CompletableDeferred<Unit>()
            val seen = mutableListOf<Long?>()
            val rig = Rig(this@runTest) { on("note") { if (it.offset == 3L) gate.await() } }
            val signals = rig.client.signals.testIn(backgroundScope)
            backgroundScope.launch {
                rig.client.events.collect {
                    seen += it.offset
                    isReading.await()
                }
            }
            rig.goLive()
            for (n in 1..3) rig.event("""{"offset":$n}""")
            rig.client.close()
            rig.settle()
            gate.complete(Unit) // the third event is committed now
            rig.settle()
            signals.expectNoEvents()
            isReading.complete(Unit)
            rig.settle()
            assertEquals(listOf<Long?>(1, 2), seen)
            signals.cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `a removed handler hears nothing more`() = runTest {
        val heard = mutableListOf<Long?>()
        val rig = Rig(this)
        val handler = rig.client.onAny { heard += it.offset }
        rig.goLive()
        rig.event("""{"offset":1}""")
        handler.close()
        handler.close()
        rig.event("""{"offset":2}""")
        assertEquals(listOf<Long?>(1), heard)
    }

    @Test
    fun `a collector that is 256 events behind loses the oldest, which is reported, and holds up nobody`() = runTest {
        turbineScope {
            val rig = Rig(this@runTest)
            val signals = rig.client.signals.testIn(backgroundScope)
            val gate = CompletableDeferred<Unit>()
            val seen = mutableListOf<Long?>()
            val collector = backgroundScope.launch {
                rig.client.events.collect {
                    seen += it.offset
                    gate.await()
                }
            }
            rig.goLive()
            for (n in 1..258) rig.event("""{"offset":$n}""")
            assertEquals(258L, rig.client.state.value.position?.offset)
            assertEquals("slow", ((signals.awaitItem() as Signal.Failure).error as UsherError).code)
            gate.complete(Unit)
            rig.settle()
            assertEquals(listOf<Long?>(1) + (3L..258L).toList(), seen)
            collector.cancel()
            signals.cancelAndIgnoreRemainingEvents()
        }
    }
}
