package dev.usher.client

import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull

/** Reads what the server sends. An older app must keep working when a newer server adds fields and values. */
internal val usherJson: Json = Json {
    ignoreUnknownKeys = true
    coerceInputValues = true
    explicitNulls = false
}

/** The greatest whole number that JSON carries exactly everywhere. */
private const val MAX_SAFE_INTEGER = 9_007_199_254_740_991L

internal val JsonElement?.textOrNull: String?
    get() = (this as? JsonPrimitive)?.takeIf { it.isString }?.content

internal val JsonElement?.numberOrNull: Double?
    get() = (this as? JsonPrimitive)?.takeIf { !it.isString }?.content?.toDoubleOrNull()?.takeIf { it.isFinite() }

internal val JsonElement?.booleanOrNull: Boolean?
    get() = (this as? JsonPrimitive)?.takeIf { !it.isString }?.booleanOrNull

/** A whole number from 0 on, as offsets are, or null. */
internal val JsonElement?.offsetOrNull: Long?
    get() {
        val number = numberOrNull ?: return null
        if (number < 0 || number > MAX_SAFE_INTEGER || number % 1.0 != 0.0) return null
        return number.toLong()
    }

internal val JsonElement?.objectOrNull: JsonObject?
    get() = this as? JsonObject

internal val JsonElement?.elements: List<JsonElement>
    get() = (this as? JsonArray).orEmpty()

/** True for a number of seconds that a timer can be set to: from 1 to a day. With less, heartbeats would run hot. */
internal fun isSeconds(value: Double?): Boolean = value != null && value >= 1 && value <= 86_400

/** Returns the value as JSON: a whole number without a fraction, as JavaScript writes it. */
internal fun jsonNumber(value: Double): JsonPrimitive {
    val isWhole = value % 1.0 == 0.0 && value in -MAX_SAFE_INTEGER.toDouble()..MAX_SAFE_INTEGER.toDouble()
    return if (isWhole) JsonPrimitive(value.toLong()) else JsonPrimitive(value)
}

/** Decodes [value], or returns null if it does not have the type's form. */
internal fun <T> decodeOrNull(deserializer: DeserializationStrategy<T>, value: JsonElement?): T? = try {
    value?.let { usherJson.decodeFromJsonElement(deserializer, it) }
} catch (_: SerializationException) {
    null
} catch (_: IllegalArgumentException) {
    null
}
