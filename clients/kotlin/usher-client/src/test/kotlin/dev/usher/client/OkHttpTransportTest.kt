package dev.usher.client

import dev.usher.client.conformance.createToken
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import okhttp3.OkHttpClient
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okhttp3.mockwebserver.MockResponse
import okhttp3.mockwebserver.MockWebServer
import okio.ByteString.Companion.encodeUtf8
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.TimeUnit

private const val OPEN = """0{"sid":"s","upgrades":[],"pingInterval":20000,"pingTimeout":15000,"maxPayload":1000000}"""
private const val WELCOME = """42["welcome",{"userId":"ann","deviceId":"tv","epoch":"e1","offset":0,"resume":"snapshot","heartbeatSeconds":60}]"""
private const val SNAPSHOT = """42["snapshot",{"position":{"epoch":"e1","offset":0},"hasMore":false,"entries":[]}]"""

/** The transport against a real WebSocket server in this process. */
class OkHttpTransportTest {
    private val server = MockWebServer()
    private val appClient = OkHttpClient()

    @AfterEach
    fun stop() {
        appClient.dispatcher.executorService.shutdownNow()
        appClient.connectionPool.evictAll()
        server.shutdown()
    }

    /** A far end that speaks enough of the protocol to bring a device live, and keeps what it receives. */
    private class FarEnd : WebSocketListener() {
        val received = Channel<String>(100)
        val ended = Channel<Int>(10)
        @Volatile var socket: WebSocket? = null

        override fun onOpen(webSocket: WebSocket, response: Response) {
            socket = webSocket
            webSocket.send(OPEN)
        }

        override fun onMessage(webSocket: WebSocket, text: String) {
            received.trySend(text)
            if (text.startsWith("40")) listOf("""40{"sid":"s"}""", WELCOME, SNAPSHOT).forEach { webSocket.send(it) }
        }

        override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
            ended.trySend(code)
            webSocket.close(code, null)
        }
    }

    private class Ending : Transport.Listener {
        val errors = Channel<UsherError>(10)
        val texts = Channel<String>(100)

        override fun onText(text: String) {
            texts.trySend(text)
        }

        override fun onEnd(error: UsherError) {
            errors.trySend(error)
        }
    }

    private fun expectFarEnd(): FarEnd = FarEnd().also { server.enqueue(MockResponse().withWebSocketUpgrade(it)) }

    private val url: String get() = server.url("/below").toString()

    private fun connect(client: OkHttpClient? = appClient): Usher = Usher.connect(
        UsherConfig(url, { createToken("ann") }, "tv", "tv", transport = client?.let { OkHttpTransport(it) }, random = { 0.0 }),
    )

    private suspend fun Usher.await(connection: Connection) = withTimeout(10_000) { state.first { it.connection == connection } }

    @Test
    fun `the suite runs with the OkHttp that the build names`() {
        val version = Class.forName("okhttp3.OkHttp").getField("VERSION").get(null) // the constant itself would be compiled in
        assertEquals(System.getProperty("usher.okhttp"), version)
    }

    @Test
    fun `a device connects below a path, and its token is in a message and not in the address`(): Unit = runBlocking {
        val farEnd = expectFarEnd()
        val usher = connect()
        usher.await(Connection.LIVE)
        val request = server.takeRequest(10, TimeUnit.SECONDS)!!
        assertEquals("/below/socket.io/?EIO=4&transport=websocket", request.path)
        assertFalse(createToken("ann") in request.toString() + request.headers)
        assertTrue(createToken("ann") in withTimeout(10_000) { farEnd.received.receive() })
        usher.close()
        usher.await(Connection.CLOSED)
        assertEquals(1000, withTimeout(10_000) { farEnd.ended.receive() })
    }

    @Test
    fun `a line that the far end drops is dialled again`(): Unit = runBlocking {
        val first = expectFarEnd()
        expectFarEnd()
        val usher = connect()
        usher.await(Connection.LIVE)
        val offline = async(start = CoroutineStart.UNDISPATCHED) { usher.signals.first { it is Signal.Offline } }
        first.socket!!.close(1001, null)
        withTimeout(10_000) { offline.await() }
        usher.await(Connection.LIVE)
        usher.close()
        usher.await(Connection.CLOSED)
    }

    @Test
    fun `the app's OkHttpClient is never shut down`(): Unit = runBlocking {
        expectFarEnd()
        val usher = connect()
        usher.await(Connection.LIVE)
        usher.close()
        usher.await(Connection.CLOSED)
        assertFalse(appClient.dispatcher.executorService.isShutdown)
        server.enqueue(MockResponse().setBody("still here"))
        val request = okhttp3.Request.Builder().url(server.url("/")).build()
        appClient.newCall(request).execute().use { assertEquals("still here", it.body!!.string()) }
    }

    @Test
    fun `an upgrade that is refused with Retry-After is an error with that delay`(): Unit = runBlocking {
        server.enqueue(MockResponse().setResponseCode(503).setHeader("Retry-After", "7"))
        val ending = Ending()
        OkHttpTransport(appClient).dial(url, ending)
        val error = withTimeout(10_000) { ending.errors.receive() }
        assertEquals(listOf("offline", 7_000L, true), listOf(error.code, error.retryAfterMs, error.retryable))
    }

    @Test
    fun `a binary message ends the connection`(): Unit = runBlocking {
        val farEnd = expectFarEnd()
        val ending = Ending()
        OkHttpTransport(appClient).dial(url, ending)
        withTimeout(10_000) { ending.texts.receive() }
        farEnd.socket!!.send("bytes".encodeUtf8())
        assertEquals("protocol", withTimeout(10_000) { ending.errors.receive() }.code)
    }

    @Test
    fun `nobody there is an error that can be tried again`(): Unit = runBlocking {
        val address = url
        server.shutdown()
        val ending = Ending()
        val connection = OkHttpTransport(appClient).dial(address, ending)
        val error = withTimeout(10_000) { ending.errors.receive() }
        assertEquals("offline" to true, error.code to error.retryable)
        assertFalse(connection.send("late"))
    }

    @Test
    fun `thirty connections one after the other leave no threads behind`(): Unit = runBlocking {
        suspend fun connectAndClose() {
            expectFarEnd()
            val usher = connect()
            usher.await(Connection.LIVE)
            usher.close()
            usher.await(Connection.CLOSED)
        }
        repeat(5) { connectAndClose() }
        val before = clientThreads()
        repeat(30) { connectAndClose() }
        assertTrue(clientThreads() <= before + 5, "$before threads became ${clientThreads()}")
    }

    /** Threads of OkHttp, the pretend server's own not counted. */
    private fun clientThreads(): Int = Thread.getAllStackTraces().keys.count { it.name.startsWith("OkHttp") && "MockWebServer" !in it.name }
}
