package dev.usher.client

import kotlin.math.min

/** Upper bound of the random delay before the first attempt, in ms. */
private const val FIRST_DELAY_MS = 1_000L

/** Upper bound of every random delay, in ms. */
internal const val MAX_DELAY_MS = 30_000L

/** Upper bound of the `retryAfterMs` that the client accepts. A wrong number must not keep a device offline for days. */
internal const val MAX_RETRY_AFTER_MS = 3_600_000L

/** A connection that lasted this long counts as healthy. */
private const val HEALTHY_AFTER_MS = 10_000L

/**
 * Returns the number of failures in a row after a connection of [connectedMs] was lost: 0 if it was healthy, else [failures]. A
 * server that accepts and drops a device over and over must not reset its backoff each time.
 */
internal fun failuresAfterConnection(connectedMs: Long, failures: Int): Int = if (connectedMs >= HEALTHY_AFTER_MS) 0 else failures

/** Returns the upper bound of the random delay before the attempt with this number (0, 1, 2 …), in ms. */
internal fun maxJitterMs(attempt: Int): Long = min(MAX_DELAY_MS, FIRST_DELAY_MS shl attempt.coerceIn(0, 5))

/**
 * Returns the delay before the next attempt in ms: [retryAfterMs], plus exponential backoff with full jitter. The jitter is added
 * even if the server asked for a delay, because a million devices that lost the same node were all told the same number.
 * @param random from 0 up to but not including 1
 */
internal fun retryDelayMs(attempt: Int, random: Double, retryAfterMs: Long? = null): Long =
    ((retryAfterMs ?: 0).coerceIn(0, MAX_RETRY_AFTER_MS) + random * maxJitterMs(attempt)).toLong()
