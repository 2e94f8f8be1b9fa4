package dev.usher.client

import kotlin.time.ExperimentalTime
import kotlin.time.Instant

/** Returns ms since 1970 of an ISO 8601 time with a UTC offset, or null if it cannot be read. */
@OptIn(ExperimentalTime::class)
internal fun parseTime(text: String?): Long? = try {
    text?.let { Instant.parse(it) }?.toEpochMilliseconds()
} catch (_: IllegalArgumentException) {
    null
}

/** Returns the time as ISO 8601 in UTC with exactly three decimals, as the contract writes times. */
@OptIn(ExperimentalTime::class)
internal fun formatTime(epochMs: Long): String {
    val wholeSeconds = Instant.fromEpochMilliseconds(epochMs - Math.floorMod(epochMs, 1_000L)).toString().removeSuffix("Z")
    return wholeSeconds + "." + Math.floorMod(epochMs, 1_000L).toString().padStart(3, '0') + "Z"
}
