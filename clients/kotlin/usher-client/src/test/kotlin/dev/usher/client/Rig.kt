package dev.usher.client

import dev.usher.client.conformance.FakeLine
import dev.usher.client.conformance.START_MS
import dev.usher.client.conformance.createEvent
import dev.usher.client.conformance.createSnapshot
import dev.usher.client.conformance.createToken
import dev.usher.client.conformance.createWelcome
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.job
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runCurrent
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject

/** A client with a pretend server, on the virtual clock of a test. */
@OptIn(ExperimentalCoroutinesApi::class)
class Rig(
    private val test: TestScope,
    private val storage: PositionStorage? = null,
    /** Returns the stored position as JSON. */
    private val readStored: suspend () -> String? = { null },
    private val beforeToken: suspend () -> Unit = {},
    setUp: Usher.() -> Unit = {},
) {
    val lines = mutableListOf<FakeLine>()
    val log = mutableListOf<String>()
    val line: FakeLine get() = lines.last()
    var token = "ann"
    private val transport = object : Transport {
        override fun dial(url: String, listener: Transport.Listener): Transport.WebSocketConnection =
            FakeLine(test.backgroundScope, listener) { log += "acked ${it["offset"]}" }.also { lines += it }
    }
    private val recording = object : PositionStorage {
        override suspend fun get(name: String): String? = readStored()

        override suspend fun set(name: String, value: String) {
            log += "stored ${json(value)["offset"]}"
        }
    }
    val client: Usher = Usher.connect(
        UsherConfig(
            url = "https://usher.test",
            token = {
                beforeToken()
                createToken(token)
            },
            deviceId = "tv",
            platform = "tv",
            storage = storage ?: recording,
            transport = transport,
            dispatcher = StandardTestDispatcher(test.testScheduler),
            clock = object : Clock {
                override fun wallMs() = START_MS + test.testScheduler.currentTime
                override fun elapsedMs() = test.testScheduler.currentTime
            },
            random = { 0.5 },
        ),
        setUp,
    )

    init {
        // A test ends by running everything that is left, which a client that reconnects for ever would never be through with.
        test.backgroundScope.coroutineContext.job.invokeOnCompletion { client.close() }
    }

    fun settle() = test.runCurrent()

    fun advance(ms: Long) {
        test.advanceTimeBy(ms)
        settle()
    }

    /** Welcomes the device and brings it up to date at offset 0. */
    fun goLive(fields: String = "{}", offset: Int = 0, entries: String = "[]") {
        settle()
        val welcome = JsonObject(json("""{"offset":$offset}""") + json(fields))
        line.sendFrame("welcome", createWelcome(welcome, START_MS + test.testScheduler.currentTime))
        line.sendFrame("snapshot", createSnapshot(json("""{"offset":$offset,"entries":$entries}""")))
        settle()
    }

    fun resume(offset: Int) {
        settle()
        line.sendFrame("welcome", createWelcome(json("""{"offset":$offset,"resume":"replay"}"""), START_MS + test.testScheduler.currentTime))
        settle()
    }

    /** Sends an event with the defaults of the scenarios. */
    fun event(fields: String) {
        val event = createEvent(json(fields))
        line.sendFrame(event["type"].textOrNull!!, event, asksForAck = "offset" in event)
        settle()
    }

    fun reply(payload: String) {
        line.reply(line.sent.removeFirst(), json(payload))
        settle()
    }

    companion object {
        fun positionAt(offset: Int): String = """{"epoch":"e1","offset":$offset}"""

        fun json(text: String): JsonObject = usherJson.parseToJsonElement(text).jsonObject
    }
}
