package dev.usher.client.conformance

import dev.usher.client.Beat
import dev.usher.client.PlaybackState
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertEquals

private const val MAX_FRAME_BYTES = 16_384

/** Runs a scenario with the real client. */
class Runner(private val scenario: JsonObject) {
    private val world: World
    private var dialled = 0
    private var line: FakeLine? = null
    private var asked = listOf<Sent>()
    private val current: FakeLine get() = checkNotNull(line) { "no connection was dialled" }

    init {
        expectKnown("scenario", scenario, "id", "promise", "given", "steps", "end")
        val given = scenario["given"]?.jsonObject ?: JsonObject(emptyMap())
        expectKnown("given", given, "random", "token", "fixedToken", "stored")
        world = World(
            random = given["random"]?.jsonPrimitive?.double ?: 0.5,
            token = given["token"]?.jsonPrimitive?.content ?: "ann",
            isFixed = given["fixedToken"] == JsonPrimitive(true),
            stored = given["stored"]?.jsonObject.orEmpty().mapValues { it.value.jsonObject },
        )
    }

    fun run() {
        try {
            world.settle()
            scenario.getValue("steps").jsonArray.forEachIndexed { n, step ->
                try {
                    take(step.jsonObject)
                    world.settle()
                } catch (error: Throwable) {
                    throw AssertionError("${scenario.text("id")}, step ${n + 1} $step: ${error.message}", error)
                }
            }
            try {
                checkEnd(scenario.getValue("end").jsonObject)
            } catch (error: Throwable) {
                throw AssertionError("${scenario.text("id")}, end: ${error.message}", error)
            }
        } finally {
            world.close()
        }
    }

    private fun take(step: JsonObject) {
        val kind = step.keys.first()
        val value = step.getValue(kind)
        val args = mapOf(
            "frame" to setOf("payload"),
            "call" to setOf("beat", "episodeIdLength", "from", "to", "idLength"),
            "expect" to setOf("auth", "name", "payload", "ids", "times"),
        )
        expectKnown("step", step, kind, *args[kind].orEmpty().toTypedArray())
        when (kind) {
            "welcome" -> current.sendFrame("welcome", createWelcome(value.jsonObject, world.nowMs))
            "snapshot" -> sendSnapshot(createSnapshot(value.jsonObject))
            "event" -> createEvent(value.jsonObject).let { current.sendFrame(it.text("type"), it, asksForAck = "offset" in it || "broadcast" in it) }
            "frame" -> current.sendFrame(value.jsonPrimitive.content, step.getValue("payload"))
            "refuse" -> current.refuse(value.jsonObject)
            "reply" -> asked.forEach { current.reply(it, value) }
            "cut" -> current.cut()
            "pings" -> current.stopPings()
            "advanceMs" -> world.advance(value.jsonPrimitive.long)
            "sleepMs" -> world.sleep(value.jsonPrimitive.long)
            "setClockMs" -> world.setClock(value.jsonPrimitive.long)
            "online" -> world.client.networkAvailable()
            "token" -> world.setToken(value.jsonPrimitive.content)
            "storage" -> world.storageFails = choose(value, "fails", "works") == "fails"
            "handler" -> world.handler = choose(value, "throws", "closes", "works")
            "call" -> call(step)
            "restart" -> world.restart()
            "close" -> world.client.close()
            "expect" -> expect(step)
            else -> error("unknown step")
        }
    }

    private fun choose(value: JsonElement, vararg known: String): String =
        value.jsonPrimitive.content.also { check(it in known) { "unknown value $it" } }

    private fun sendSnapshot(snapshot: JsonObject) {
        val asksForAck = snapshot["hasMore"] == JsonPrimitive(true)
        current.sendFrame("snapshot", snapshot, asksForAck)
        world.settle()
        if (asksForAck) check(snapshot !in current.unacked.values) { "the page was not acknowledged" }
    }

    private fun call(step: JsonObject) {
        val numbers = if ("from" in step) step.getValue("from").jsonPrimitive.int..step.getValue("to").jsonPrimitive.int else IntRange.EMPTY
        val beat = Beat("dark", 60.0, 3_000.0, PlaybackState.PLAYING)
        fun id(n: Int) = "e-$n".padEnd(step["idLength"]?.jsonPrimitive?.int ?: 0, 'x')
        when (val name = step.text("call")) {
            "heartbeat" -> world.call { heartbeat(createBeat(step, beat)) }
            "heartbeats" -> for (n in numbers) world.call { heartbeat(beat.copy(showId = "show-$n")) }
            "seen" -> for (n in numbers) world.call { seen(id(n)) }
            "applied" -> for (n in numbers) world.call { applied(id(n)) }
            else -> error("unknown call $name")
        }
    }

    private fun createBeat(step: JsonObject, default: Beat): Beat {
        val fields = step["beat"]?.jsonObject ?: JsonObject(emptyMap())
        expectKnown("beat", fields, "showId", "positionSeconds", "state", "at")
        return default.copy(
            showId = fields["showId"]?.jsonPrimitive?.content ?: default.showId,
            positionSeconds = fields["positionSeconds"]?.jsonPrimitive?.double ?: default.positionSeconds,
            state = fields["state"]?.let { PlaybackState.valueOf(it.jsonPrimitive.content.uppercase()) } ?: default.state,
            at = fields["at"]?.jsonPrimitive?.content,
            episodeId = step["episodeIdLength"]?.let { "x".repeat(it.jsonPrimitive.int) },
        )
    }

    private fun expect(step: JsonObject) {
        when (val what = step.text("expect")) {
            "dial" -> expectDial(step["auth"]?.jsonObject.orEmpty())
            "sent" -> expectSent(step)
            "closed" -> check(current.isClosedByClient) { "the client did not close the connection" }
            "nothing" -> assertEquals(emptyList<String>(), getPending())
            else -> error("unknown expectation $what")
        }
    }

    private fun expectDial(auth: Map<String, JsonElement>) {
        val next = checkNotNull(world.lines.getOrNull(dialled)?.takeIf { it.auth != null }) { "the client did not dial" }
        check(line?.isOpen != true) { "the connection before is still open" }
        line = next
        dialled++
        val actual = next.auth.orEmpty()
        for ((name, value) in auth) assertEquals(expected(name, value), actual[name] ?: JsonNull, name)
    }

    private fun expectSent(step: JsonObject) {
        val times = step["times"]?.jsonPrimitive?.int ?: 1
        asked = List(times) { checkNotNull(current.sent.removeFirstOrNull()) { "only $it of $times messages" } }
        for (sent in asked) {
            assertEquals(step.text("name"), sent.name)
            for ((name, value) in step["payload"]?.jsonObject.orEmpty()) assertEquals(expected(name, value), sent.payload[name], name)
            step["ids"]?.let { assertEquals(it.jsonPrimitive.int, sent.payload.getValue("ids").jsonArray.size) }
        }
    }

    private fun expected(name: String, value: JsonElement): JsonElement =
        if (name == "token") JsonPrimitive(createToken(value.jsonPrimitive.content)) else value

    /** Returns what the client did that no step took. */
    private fun getPending(): List<String> = world.lines.drop(dialled).map { "dial" } + world.lines.flatMap { it.sent }.map { it.name }

    private fun checkEnd(end: JsonObject) {
        assertEquals(emptyList<String>(), getPending())
        check(world.lines.all { it.largestFrameBytes <= MAX_FRAME_BYTES }) { "a message above 16 KiB" }
        expectKnown("end", end, *END_KEYS.keys.toTypedArray())
        for ((name, value) in end) END_KEYS.getValue(name)(world, value)
    }
}
