package dev.usher.client

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement

/** How far a device has read its user's mailbox. An offset means something only within its epoch. */
@Serializable
public data class Position(public val epoch: String, public val offset: Long)

/** How far a device has read the broadcasts. Their numbers belong to the same epochs as offsets, and grow, but not always by one. */
internal data class BroadcastPosition(val epoch: String, val number: Long) {
    /** True if a device that has read up to here has had this broadcast. */
    fun includes(other: BroadcastPosition): Boolean = epoch == other.epoch && other.number <= number
}

/** What is stored of a device. [broadcast] is the number of the last broadcast of the same epoch, if there was one. */
internal data class StoredPosition(val position: Position, val broadcast: Long?)

/**
 * A position within the current connection.
 * @property replayEnd the last offset of the replay. Up to it offsets may be missing: only the newest event of each key is replayed.
 */
internal data class Cursor(val epoch: String, val offset: Long, val replayEnd: Long) {
    val position: Position get() = Position(epoch, offset)
}

/** What an event's offset means to this device. */
internal enum class OffsetCheck {
    /** Apply it. */
    NEXT,

    /** It was applied before. */
    DUPLICATE,

    /** An event before it is missing, or it has another epoch. */
    GAP,

    /** Unknown until the snapshot arrives. */
    NO_CURSOR,
}

/**
 * Detects gaps. During a replay events arrive in offset order, newest of each key, so every higher offset is right. After it each
 * offset reaches each device, so only the very next one is. The same rule holds while a `sync` is in flight: its replay repeats
 * everything that this rule rejects.
 */
internal fun checkOffset(cursor: Cursor?, epoch: String?, offset: Long): OffsetCheck {
    if (cursor == null) return OffsetCheck.NO_CURSOR
    if (epoch != null && epoch != cursor.epoch) return OffsetCheck.GAP
    if (offset <= cursor.offset) return OffsetCheck.DUPLICATE
    // The last offsets of a replay may have been superseded. The first event after `replayEnd` shows that the replay is over.
    val lastKnown = maxOf(cursor.offset, cursor.replayEnd)
    return if (offset <= lastKnown + 1) OffsetCheck.NEXT else OffsetCheck.GAP
}

/**
 * Returns the cursor after a `welcome` that announces a replay up to its position, or null if that replay cannot continue from our
 * cursor (another epoch, or a lower offset): then only a snapshot helps.
 */
internal fun beginReplay(cursor: Cursor?, welcome: Position): Cursor? =
    cursor?.takeIf { it.epoch == welcome.epoch && welcome.offset >= it.offset }?.copy(replayEnd = welcome.offset)

/**
 * After a longer downtime the client asks for a snapshot. A replay carries only the latest of the playback positions that changed
 * meanwhile (docs/CONTRACT.md, "From the server").
 */
private const val MAX_REPLAY_DOWNTIME_MS = 3_600_000L

/**
 * Returns the position to resume from, or null to ask for a snapshot. A restarted app has a stored position but no state that
 * belongs to it, because the state is not stored. A replay from there would leave out everything before it, so such an app asks for
 * a snapshot too.
 */
internal fun getResumePosition(cursor: Cursor?, downMs: Long): Position? =
    cursor?.takeIf { downMs <= MAX_REPLAY_DOWNTIME_MS }?.position

/** Returns the position in [value], or null if there is none. */
internal fun parsePosition(value: JsonElement?): Position? {
    val fields = value.objectOrNull ?: return null
    return Position(fields["epoch"].textOrNull ?: return null, fields["offset"].offsetOrNull ?: return null)
}

/** Returns the stored position in [value], or null if there is none. A number that cannot be read is left out: then all that is said to everyone comes again. */
internal fun parseStoredPosition(value: JsonElement?): StoredPosition? =
    parsePosition(value)?.let { StoredPosition(it, value.objectOrNull?.get("broadcast").offsetOrNull) }
