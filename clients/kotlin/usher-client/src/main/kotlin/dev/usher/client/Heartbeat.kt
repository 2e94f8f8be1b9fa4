package dev.usher.client

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject

/**
 * A playback heartbeat: where this device is in a show.
 *
 * @property showId the show or film. Of the beats of one show that wait only the newest is sent
 * @property positionSeconds from the beginning of the episode
 * @property durationSeconds of the whole episode
 * @property state what the player does
 * @property episodeId null: a film, or unknown
 * @property autoplay true if autoplay started this episode, not a person; null: unknown
 * @property profileId default: the profile of the configuration
 * @property streamId the stream that this device holds. The heartbeat renews its slot.
 * @property at when the device was at this position, ISO 8601. Default: now, by the server's clock
 */
public data class Beat(
    public val showId: String,
    public val positionSeconds: Double,
    public val durationSeconds: Double,
    public val state: PlaybackState,
    public val episodeId: String? = null,
    public val autoplay: Boolean? = null,
    public val profileId: String? = null,
    public val streamId: String? = null,
    public val at: String? = null,
)

/**
 * The server's response to a heartbeat.
 * @property nextSeconds until it wants the next one. They grow when the server is under load
 */
public data class BeatAnswer(public val nextSeconds: Double)

private val STATE_NAMES = mapOf(PlaybackState.PLAYING to "playing", PlaybackState.PAUSED to "paused", PlaybackState.ENDED to "ended")

/** Returns the beat with its profile and time filled in. It carries its own time because it may be sent much later. */
internal fun completeBeat(beat: Beat, profileId: String, nowMs: Long): Beat =
    beat.copy(profileId = beat.profileId ?: profileId, at = beat.at ?: formatTime(nowMs))

/** Returns the message that sends this complete beat. Of those that wait only the newest of a profile and show is kept. */
internal fun toMessage(beat: Beat): OutgoingMessage = OutgoingMessage(
    coalesceKey = listOf("beat", beat.profileId, beat.showId),
    name = "playback.heartbeat",
    content = Content.Whole(toJson(beat)),
    order = parseTime(beat.at) ?: 0,
)

private fun toJson(beat: Beat): JsonObject = buildJsonObject {
    put("showId", JsonPrimitive(beat.showId))
    put("positionSeconds", jsonNumber(beat.positionSeconds))
    put("durationSeconds", jsonNumber(beat.durationSeconds))
    put("state", JsonPrimitive(STATE_NAMES.getValue(beat.state)))
    beat.episodeId?.let { put("episodeId", JsonPrimitive(it)) }
    beat.autoplay?.let { put("autoplay", JsonPrimitive(it)) }
    beat.profileId?.let { put("profileId", JsonPrimitive(it)) }
    beat.streamId?.let { put("streamId", JsonPrimitive(it)) }
    beat.at?.let { put("at", JsonPrimitive(it)) }
}

/** Returns the playback position of this complete beat. The server does not send a device its own, so the state needs this. */
internal fun toProgress(beat: Beat, deviceId: String): Progress = Progress(
    profileId = beat.profileId.orEmpty(),
    showId = beat.showId,
    episodeId = beat.episodeId,
    positionSeconds = beat.positionSeconds,
    durationSeconds = beat.durationSeconds,
    state = beat.state,
    deviceId = deviceId,
    at = beat.at.orEmpty(),
)
