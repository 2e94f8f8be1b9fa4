package dev.usher.android

import dev.usher.client.Connection
import dev.usher.client.Transport
import dev.usher.client.Usher
import dev.usher.client.UsherConfig
import dev.usher.client.UsherError
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Test

@OptIn(ExperimentalCoroutinesApi::class)
class ForegroundConnectionTest {
    private val connected = mutableListOf<Usher>()

    private fun TestScope.connection(isSignedIn: () -> Boolean = { true }) = ForegroundConnection(backgroundScope, 30_000) {
        if (isSignedIn()) connectUsher().also { connected += it } else null
    }

    /** A client whose far end never answers. */
    private fun TestScope.connectUsher(): Usher = Usher.connect(
        UsherConfig(
            "https://usher.test", { throw UsherError("token_unavailable", "nobody answers", true) }, "phone", "android",
            transport = object : Transport {
                override fun dial(url: String, listener: Transport.Listener): Transport.WebSocketConnection = error("nobody dials")
            },
            dispatcher = StandardTestDispatcher(testScheduler),
        ),
    )

    private fun TestScope.closeAll() {
        connected.forEach { it.close() }
        runCurrent()
    }

    @Test
    fun `a rotation keeps the client, half a minute in the background closes it`() = runTest {
        val connection = connection()
        connection.onActivityStarted()
        val usher = connection.usher.value
        connection.onActivityStopped()
        advanceTimeBy(29_999)
        connection.onActivityStarted()
        advanceTimeBy(60_000)
        assertSame(usher, connection.usher.value)
        connection.onActivityStopped()
        advanceTimeBy(30_001)
        assertNull(connection.usher.value)
        runCurrent()
        assertEquals(Connection.CLOSED, usher!!.state.value.connection)
        connection.onActivityStarted()
        assertNotSame(usher, connection.usher.value)
        closeAll()
    }

    @Test
    fun `a client that was refused for good is replaced when the app comes back, however soon`() = runTest {
        val connection = connection()
        connection.onActivityStarted()
        val first = connection.usher.value!!
        first.close() // as after a refusal: another device connected with the same id
        runCurrent()
        connection.onActivityStopped()
        advanceTimeBy(1_000)
        connection.onActivityStarted()
        assertNotSame(first, connection.usher.value)
        assertEquals(2, connected.size)
        closeAll()
    }

    @Test
    fun `an activity that opens another one does not close the client`() = runTest {
        val connection = connection()
        connection.onActivityStarted()
        connection.onActivityStarted()
        connection.onActivityStopped()
        advanceTimeBy(60_000)
        assertSame(connected.single(), connection.usher.value)
        closeAll()
    }

    @Test
    fun `another account gets another client, and nobody none`() = runTest {
        var isSignedIn = true
        val connection = connection { isSignedIn }
        connection.onActivityStarted()
        val first = connection.usher.value!!
        connection.onAccountChanged()
        runCurrent()
        assertEquals(Connection.CLOSED, first.state.value.connection)
        assertNotSame(first, connection.usher.value)
        isSignedIn = false
        connection.onAccountChanged()
        assertNull(connection.usher.value)
        closeAll()
    }
}
