package dev.usher.client.conformance

import dev.usher.client.Cursor
import dev.usher.client.Entitlement
import dev.usher.client.Membership
import dev.usher.client.Packet
import dev.usher.client.PacketCodec
import dev.usher.client.Position
import dev.usher.client.Progress
import dev.usher.client.RecommendationsReady
import dev.usher.client.UserState
import dev.usher.client.UsherError
import dev.usher.client.applyEvent
import dev.usher.client.applySnapshot
import dev.usher.client.beginReplay
import dev.usher.client.checkOffset
import dev.usher.client.failuresAfterConnection
import dev.usher.client.isRelevant
import dev.usher.client.isTokenError
import dev.usher.client.normalizeUrl
import dev.usher.client.parseEnvelope
import dev.usher.client.parseError
import dev.usher.client.parseStoredPosition
import dev.usher.client.parseRetryAfterMs
import dev.usher.client.parseSnapshot
import dev.usher.client.parseWelcome
import dev.usher.client.retryDelayMs
import dev.usher.client.storageName
import dev.usher.client.textOrNull
import dev.usher.client.usherJson
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory
import java.io.File

/** The pure rules give the results that `clients/conformance/vectors` lists. A table that this file does not know is a failure. */
class VectorsTest {
    @TestFactory
    fun vectors(): List<DynamicTest> {
        val files = checkNotNull(File(conformanceDir, "vectors").listFiles { file -> file.extension == "json" }).sorted()
        return files.flatMap { file ->
            val tables = usherJson.parseToJsonElement(file.readText()).jsonObject
            tables.flatMap { (table, rows) ->
                rows.jsonArray.mapIndexed { n, row ->
                    val id = "${file.name}/$table[$n]"
                    DynamicTest.dynamicTest(id) {
                        val check = checkNotNull(CHECKS["${file.name}/$table"]) { "unknown table $id" }
                        try { check(row.jsonObject) } catch (error: Throwable) { throw AssertionError("$id: ${error.message}", error) }
                    }
                }
            }
        }
    }
}

private val CHECKS: Map<String, (JsonObject) -> Unit> = mapOf(
    "backoff.json/delays" to { row ->
        val delay = retryDelayMs(row.int("attempt"), row.getValue("random").jsonPrimitive.double, row["retryAfterMs"]?.jsonPrimitive?.long)
        assertEquals(row.long("delayMs"), delay)
    },
    "backoff.json/failures" to { row ->
        assertEquals(row.int("then"), failuresAfterConnection(row.long("connectedMs"), row.int("failures")))
    },
    "offsets.json/news" to { row ->
        val event = row.getValue("event").jsonObject
        val check = checkOffset(toCursor(row.getValue("cursor")), event["epoch"].textOrNull, event.long("offset"))
        assertEquals(row.text("is"), check.name.lowercase())
    },
    "offsets.json/replay" to { row ->
        val welcome = row.getValue("welcome").jsonObject
        val then = beginReplay(toCursor(row.getValue("cursor")), Position(welcome.text("epoch"), welcome.long("offset")))
        assertEquals(toCursor(row.getValue("then")), then)
    },
    "storage-names.json/names" to { row ->
        assertEquals(row.text("name"), storageName(row.text("url"), row.text("userId"), row.text("deviceId")))
    },
    "storage-names.json/urls" to { row -> assertEquals(row.text("is"), normalizeUrl(row.text("url"))) },
    "storage-names.json/values" to { row ->
        val read = row["text"].textOrNull?.let { text ->
            try { parseStoredPosition(usherJson.parseToJsonElement(text)) } catch (_: SerializationException) { null }
        }
        expectFields(row.getValue("position"), read?.let {
            fields("epoch" to it.position.epoch, "offset" to it.position.offset, "broadcast" to it.broadcast)
        })
    },
    "errors.json/errors" to { row -> expectFields(row.getValue("error"), parseError(row.getValue("value"))?.let(::toJson)) },
    "errors.json/token" to { row ->
        assertEquals(row.getValue("is").jsonPrimitive.boolean, isTokenError(UsherError(row.text("code"), "", false)))
    },
    "frames.json/decode" to { row -> assertEquals(withoutNulls(row.getValue("is")), PacketCodec.decode(row.text("text")).let(::toJson)) },
    "frames.json/encode" to ::checkEncode,
    "frames.json/welcome" to { row ->
        val welcome = parseWelcome(row.getValue("payload"))
        expectFields(row.getValue("is"), welcome?.let {
            val resume = if (it.isReplay) "replay" else "snapshot"
            fields("userId" to it.userId, "epoch" to it.position.epoch, "offset" to it.position.offset, "resume" to resume, "heartbeatSeconds" to it.heartbeatSeconds)
        })
    },
    "frames.json/envelope" to { row ->
        val event = parseEnvelope(row.getValue("payload"))
        expectFields(row.getValue("is"), event?.let {
            fields("id" to it.id, "type" to it.type, "key" to it.key, "offset" to it.offset, "epoch" to it.epoch)
        })
    },
    "frames.json/relevant" to { row ->
        assertEquals(row.getValue("is").jsonPrimitive.boolean, isRelevant(parseEnvelope(row.getValue("event"))!!, "tv", START_MS))
    },
    "frames.json/retryAfterMs" to { row -> assertEquals(row.long("is"), parseRetryAfterMs(row.getValue("payload"))) },
    "state.json/folds" to ::checkFold,
)

private fun checkEncode(row: JsonObject) {
    val packet = row.getValue("packet").jsonObject
    val id = packet["ackId"]?.jsonPrimitive?.long
    val text = when (packet.text("type")) {
        "connect" -> PacketCodec.encodeConnect(packet.getValue("auth").jsonObject)
        "event" -> PacketCodec.encodeFrame(packet.text("name"), packet.getValue("payload"), id)
        "ack" -> PacketCodec.encodeAck(checkNotNull(id))
        "pong" -> PacketCodec.PONG
        else -> error("unknown packet $packet")
    }
    assertEquals(row.text("text"), text)
}

private fun checkFold(row: JsonObject) {
    expectKnown("row", row, "promise", "steps", "state", "anyOrder")
    val state = row.getValue("steps").jsonArray.map { it.jsonObject }.fold(UserState()) { state, step ->
        expectKnown("step", step, "snapshot", "event")
        step["event"]?.let { applyEvent(state, parseEnvelope(it)!!) } ?: applySnapshot(state, parseSnapshot(step["snapshot"])!!.state)
    }
    val expected = row.getValue("state").jsonObject
    expectKnown("state", expected, "membership", "entitlement", "playback", "recommendations", "entries")
    expected["membership"]?.let { expectFields(it, state.membership?.let { row -> usherJson.encodeToJsonElement(Membership.serializer(), row) }) }
    expected["entitlement"]?.let { expectFields(it, state.entitlement?.let { row -> usherJson.encodeToJsonElement(Entitlement.serializer(), row) }) }
    expected["entries"]?.let { assertEquals(it.jsonArray.map { offset -> offset.jsonPrimitive.long }, state.entries.map { entry -> entry.offset }) }
    val anyOrder = row["anyOrder"] == JsonPrimitive(true)
    expected["playback"]?.let { expectRows(it.jsonArray, state.playback.map { row -> usherJson.encodeToJsonElement(Progress.serializer(), row) }, anyOrder) }
    expected["recommendations"]?.let {
        expectRows(it.jsonArray, state.recommendations.map { row -> usherJson.encodeToJsonElement(RecommendationsReady.serializer(), row) }, anyOrder)
    }
}

private fun expectRows(expected: JsonArray, actual: List<JsonElement>, anyOrder: Boolean) {
    assertEquals(expected.size, actual.size, "$actual")
    if (!anyOrder) return expected.zip(actual).forEach { (row, found) -> expectFields(row, found) }
    for (row in expected) assert(actual.any { runCatching { expectFields(row, it) }.isSuccess }) { "$row is not in $actual" }
}

/** Compares the listed fields. Numbers by value; `null` is the same as absent. */
private fun expectFields(expected: JsonElement, actual: JsonElement?) {
    if (expected == JsonNull) return assertEquals(null, actual)
    assertNotNull(actual)
    for ((name, value) in expected.jsonObject) {
        val found = actual!!.jsonObject[name] ?: JsonNull
        val isNumber = value is JsonPrimitive && !value.isString && value.content.toDoubleOrNull() != null
        if (isNumber) assertEquals(value.jsonPrimitive.double, (found as? JsonPrimitive)?.content?.toDoubleOrNull(), name)
        else assertEquals(value, found, name)
    }
}

private fun toJson(packet: Packet?): JsonElement = when (packet) {
    is Packet.Open -> fields("type" to "open", "pingInterval" to packet.pingIntervalMs, "pingTimeout" to packet.pingTimeoutMs)
    is Packet.Frame -> fields("type" to "event", "name" to packet.name, "payload" to packet.payload, "ackId" to packet.ackId)
    is Packet.Ack -> fields("type" to "ack", "ackId" to packet.id, "payload" to packet.payload)
    is Packet.ConnectError -> fields("type" to "refused", "data" to packet.data)
    Packet.Connected -> fields("type" to "connect")
    Packet.Disconnected -> fields("type" to "disconnect")
    Packet.Ping -> fields("type" to "ping")
    Packet.Close -> fields("type" to "close")
    Packet.Noop -> fields("type" to "noop")
    Packet.Ignored, null -> JsonNull
}

private fun toJson(error: UsherError): JsonObject =
    fields("code" to error.code, "message" to error.message, "retryable" to error.retryable, "retryAfterMs" to error.retryAfterMs)

private fun fields(vararg pairs: Pair<String, Any?>): JsonObject = JsonObject(
    pairs.filter { it.second != null }.associate { (name, value) ->
        name to when (value) {
            is JsonElement -> value
            is Number -> JsonPrimitive(value)
            is Boolean -> JsonPrimitive(value)
            else -> JsonPrimitive(value.toString())
        }
    },
)

private fun withoutNulls(value: JsonElement): JsonElement =
    if (value is JsonObject) JsonObject(value.filterValues { it != JsonNull }) else value

private fun toCursor(value: JsonElement): Cursor? =
    if (value == JsonNull) null else value.jsonObject.let { Cursor(it.text("epoch"), it.long("offset"), it.long("replayEnd")) }

private fun JsonObject.int(name: String): Int = getValue(name).jsonPrimitive.int
private fun JsonObject.long(name: String): Long = getValue(name).jsonPrimitive.long
