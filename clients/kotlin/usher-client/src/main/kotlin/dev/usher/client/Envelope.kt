package dev.usher.client

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject

/**
 * One event.
 *
 * @property id identifies this event. One that is sent twice has the same id both times.
 * @property type dotted words, e.g. `membership.changed`
 * @property tier `critical` or `important` (durable and numbered) or `routine` (neither)
 * @property key of one user's events with the same key only the newest matters
 * @property offset the event's number in the user's mailbox. Routine events have none.
 * @property epoch the numbering that [offset] or [broadcast] belongs to
 * @property at when it happened, ISO 8601
 * @property expiresAt when it stops to matter, ISO 8601
 * @property profileId the person within the account that it is about
 * @property target the id of the only device that it is meant for
 * @property broadcast the number of an event for everyone, which is in no mailbox and so has no offset
 * @property data what the event says; as the type that [Usher.on] was called with, or as JSON
 */
public data class Event<out T>(
    public val id: String,
    public val type: String,
    public val tier: String,
    public val key: String,
    public val offset: Long?,
    public val epoch: String?,
    public val at: String,
    public val expiresAt: String?,
    public val profileId: String?,
    public val target: String?,
    public val data: T,
    public val broadcast: Long? = null,
)

/** An event whose data is JSON. */
public typealias Envelope = Event<JsonElement>

internal fun <T, R> Event<T>.withData(data: R): Event<R> =
    Event(id, type, tier, key, offset, epoch, at, expiresAt, profileId, target, data, broadcast)

/** Returns the envelope in [value], or null if there is none. Only what the client itself uses is checked. */
internal fun parseEnvelope(value: JsonElement?): Envelope? {
    val fields = value as? JsonObject ?: return null
    val id = fields["id"].textOrNull ?: return null
    val type = fields["type"].textOrNull ?: return null
    val offset = fields["offset"].offsetOrNull
    if (offset == null && fields["offset"].let { it != null && it != JsonNull }) return null
    return Event(
        id, type, fields["tier"].textOrNull ?: "routine", fields["key"].textOrNull ?: type, offset, fields["epoch"].textOrNull,
        fields["at"].textOrNull ?: "", fields["expiresAt"].textOrNull, fields["profileId"].textOrNull, fields["target"].textOrNull,
        fields["data"] ?: JsonNull, fields["broadcast"].offsetOrNull.takeIf { offset == null },
    )
}

/** True if this device should act on the event: it is not meant for another device and has not expired. */
internal fun isRelevant(event: Envelope, deviceId: String, nowMs: Long): Boolean {
    if (event.target != null && event.target != deviceId) return false
    // An unreadable time is never in the past. One event too many is better than a lost one.
    return (parseTime(event.expiresAt) ?: Long.MAX_VALUE) >= nowMs
}
