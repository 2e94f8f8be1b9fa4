package dev.usher.client.conformance

import dev.usher.client.formatTime
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertEquals

private const val DAY_MS = 86_400_000L

fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

/** Fails on what a newer format says and this runner does not know. */
fun expectKnown(what: String, fields: Map<String, *>, vararg known: String) {
    val unknown = fields.keys - known.toSet()
    check(unknown.isEmpty()) { "unknown in $what: $unknown" }
}

private fun of(vararg defaults: Pair<String, Any>): JsonObject = buildJsonObject {
    for ((name, value) in defaults) put(
        name,
        when (value) {
            is JsonElement -> value
            is Number -> JsonPrimitive(value)
            is Boolean -> JsonPrimitive(value)
            else -> JsonPrimitive(value.toString())
        },
    )
}

private operator fun JsonObject.plus(other: JsonObject) = JsonObject(toMap() + other.toMap())

fun createWelcome(fields: JsonObject, nowMs: Long): JsonObject = of(
    "userId" to "ann", "deviceId" to "tv", "epoch" to "e1", "offset" to 0, "resume" to "snapshot", "heartbeatSeconds" to 60,
    "tokenExpiresAt" to formatTime(nowMs + DAY_MS), "serverTime" to formatTime(nowMs),
) + fields

fun createSnapshot(fields: JsonObject): JsonObject {
    val position = of("epoch" to (fields["epoch"] ?: "e1"), "offset" to fields.getValue("offset"))
    val entries = JsonArray(fields["entries"]?.jsonArray.orEmpty().map { createEvent(it.jsonObject) })
    return of("position" to position, "hasMore" to false) + JsonObject(fields - setOf("epoch", "offset")) + of("entries" to entries)
}

fun createEvent(fields: JsonObject): JsonObject {
    val common = of("at" to "2026-01-01T00:00:00.000Z", "data" to JsonObject(emptyMap()))
    val broadcast = fields["broadcast"]
    if (broadcast != null)
        return of("id" to "b-$broadcast", "type" to "notice", "tier" to "important", "key" to "notice:$broadcast", "epoch" to "e1") + common + fields
    val offset = fields["offset"] ?: return of("id" to "r", "type" to "hint", "tier" to "routine", "key" to "hint") + common + fields
    return of("id" to "e-$offset", "type" to "note", "tier" to "important", "key" to "note:$offset", "epoch" to "e1") + common + fields
}

/** The keys of a scenario's end, each with its comparison. */
val END_KEYS: Map<String, (World, JsonElement) -> Unit> = mapOf(
    "state" to { world, value -> assertEquals(value.jsonPrimitive.content, world.client.state.value.connection.name.lowercase()) },
    "heard" to { world, value -> assertEquals(texts(value), world.heard.map { it.toString() }, "heard") },
    "acked" to { world, value -> assertEquals(texts(value), world.acked.map { it.toString() }, "acked") },
    "log" to { world, value -> assertEquals(texts(value), world.log, "log") },
    "errors" to { world, value -> assertEquals(texts(value), world.errors, "errors") },
    "offline" to { world, value -> assertEquals(texts(value), world.offline, "offline") },
    "refused" to { world, value -> assertEquals(if (value == JsonNull) null else value.jsonPrimitive.content, world.refused, "refused") },
    "tokens" to { world, value -> assertEquals(value.jsonPrimitive.int, world.tokens, "tokens") },
    "frames" to { world, value -> assertEquals(value.jsonPrimitive.int, world.lines.sumOf { it.messages }, "frames") },
    "calls" to ::expectCalls,
    "retryable" to { world, value -> assertEquals(value.jsonObject.mapValues { it.value.jsonPrimitive.boolean }, world.retryable, "retryable") },
    "stored" to { world, value -> expectStored(world, "ann", value) },
    "storedFor" to { world, value -> for ((user, position) in value.jsonObject) expectStored(world, user, position) },
    "known" to ::expectKnownState,
)

private fun texts(value: JsonElement): List<String> = value.jsonArray.map { it.jsonPrimitive.content }

private fun expectCalls(world: World, value: JsonElement) {
    expectKnown("calls", value.jsonObject, "ok", "failed")
    val failed = value.jsonObject["failed"]?.jsonObject.orEmpty().mapValues { it.value.jsonPrimitive.int }
    assertEquals(value.jsonObject.getValue("ok").jsonPrimitive.int to failed, world.callsOk to world.callsFailed, "calls")
}

private fun expectStored(world: World, user: String, value: JsonElement) {
    val stored = world.getStored(user)
    if (value == JsonNull) return assertEquals(null, stored, user)
    expectKnown("stored", value.jsonObject, "epoch", "offset", "broadcast")
    value.jsonObject["epoch"]?.let { assertEquals(it.jsonPrimitive.content, stored?.position?.epoch, user) }
    value.jsonObject["offset"]?.let { assertEquals(it.jsonPrimitive.long, stored?.position?.offset, user) }
    value.jsonObject["broadcast"]?.let { assertEquals(it.jsonPrimitive.long, stored?.broadcast, user) }
}

private fun expectKnownState(world: World, value: JsonElement) {
    val state = world.client.state.value
    for ((name, expected) in value.jsonObject) when (name) {
        "membership.version" -> assertEquals(expected.jsonPrimitive.long, state.membership?.version, name)
        "membership.status" -> assertEquals(expected.jsonPrimitive.content, state.membership?.status?.name?.lowercase(), name)
        "entries" -> assertEquals(expected.jsonArray.map { it.jsonPrimitive.long }, state.entries.map { it.offset }, name)
        "playback" -> assertEquals(
            expected.jsonArray.map { it.jsonArray[0].jsonPrimitive.content to it.jsonArray[1].jsonPrimitive.double },
            state.playback.map { it.showId to it.positionSeconds }, name,
        )
        "position" -> assertEquals(expected, state.position?.let { of("epoch" to it.epoch, "offset" to it.offset) } ?: JsonNull, name)
        else -> error("unknown in known: $name")
    }
}
