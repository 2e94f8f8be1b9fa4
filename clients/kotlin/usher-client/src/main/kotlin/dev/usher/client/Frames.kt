package dev.usher.client

import kotlinx.serialization.json.JsonElement

/** The names of the server's frames that are not events (docs/CONTRACT.md, "From the server"). */
internal object FrameNames {
    const val WELCOME = "welcome"
    const val SNAPSHOT = "snapshot"
    const val GOAWAY = "goaway"
    const val TOKEN_EXPIRING = "token.expiring"
}

/**
 * The first frame of a connection, and of the response to a `sync`.
 * @property position the newest position of the user's mailbox
 * @property isReplay the missed events follow; else a snapshot
 * @property serverTimeMs ms since 1970, or null if it cannot be read
 */
internal data class Welcome(
    val userId: String,
    val position: Position,
    val isReplay: Boolean,
    val heartbeatSeconds: Double,
    val serverTimeMs: Long?,
)

/** Returns the welcome in [value], or null if it cannot be read. */
internal fun parseWelcome(value: JsonElement?): Welcome? {
    val fields = value.objectOrNull ?: return null
    val seconds = fields["heartbeatSeconds"].numberOrNull
    return Welcome(
        userId = fields["userId"].textOrNull ?: return null,
        position = parsePosition(fields) ?: return null,
        isReplay = fields["resume"].textOrNull == "replay",
        heartbeatSeconds = if (seconds != null && isSeconds(seconds)) seconds else 60.0,
        serverTimeMs = fields["serverTime"].let { parseTime(it.textOrNull) ?: it.numberOrNull?.toLong() },
    )
}

/**
 * A snapshot, or one page of it.
 * @property position up to where its entries go
 * @property hasMore another page follows, which has only entries
 */
internal class Snapshot(val position: Position, val hasMore: Boolean, val state: UserState)

/** Returns the snapshot, or the page of one, in [value]. Null if there is no position. */
internal fun parseSnapshot(value: JsonElement?): Snapshot? {
    val fields = value.objectOrNull ?: return null
    val position = parsePosition(fields["position"]) ?: return null
    val state = UserState(
        membership = parseMembership(fields["membership"]),
        entitlement = parseEntitlement(fields["entitlement"]),
        playback = fields["playback"].elements.mapNotNull(::parseProgress),
        recommendations = fields["recommendations"].elements.mapNotNull { decodeOrNull(RecommendationsReady.serializer(), it) },
        entries = fields["entries"].elements.mapNotNull(::parseEnvelope).filter { it.offset != null },
    )
    return Snapshot(position, fields["hasMore"].booleanOrNull == true, state)
}

/** Returns how long a `goaway` asks the device to stay away, in ms. */
internal fun parseRetryAfterMs(value: JsonElement?): Long = value.objectOrNull?.get("retryAfterMs").offsetOrNull ?: 0

/** True if a `goaway` says that a newer connection of the same device replaced this one. */
internal fun isSuperseded(value: JsonElement?): Boolean = value.objectOrNull?.get("reason").textOrNull == "superseded"
