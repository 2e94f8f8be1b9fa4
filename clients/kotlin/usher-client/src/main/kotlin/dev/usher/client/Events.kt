package dev.usher.client

import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonEncoder
import kotlinx.serialization.json.JsonPrimitive

// The events that Usher itself sends. The serial name of a class is the type of its event, so `usher.on<StreamStop> { … }` needs no
// name. An app declares the events of its own back office in the same way.

/**
 * What a plan allows. Without a membership it allows nothing.
 * @property streaming whether anything may be streamed
 * @property maxStreams how many streams may run at once
 * @property maxQuality the best quality: a name (`4k`), or a number as text
 * @property downloads whether titles may be kept for offline
 * @property ads whether advertisements are shown
 */
@Serializable
public data class Capabilities(
    public val streaming: Boolean = false,
    public val maxStreams: Int = 0,
    @Serializable(with = TextOrNumber::class) public val maxQuality: String = "none",
    public val downloads: Boolean = false,
    public val ads: Boolean = false,
)

/** The state of a membership. An unknown one, of a newer server, counts as [NONE]. */
@Serializable
public enum class MembershipStatus {
    @SerialName("none") NONE,
    @SerialName("trialing") TRIALING,
    @SerialName("active") ACTIVE,
    @SerialName("past_due") PAST_DUE,
    @SerialName("paused") PAUSED,
    @SerialName("canceled") CANCELED,
}

/**
 * What the user pays for, as the payment processor reports it, and the event of its change.
 * @property version grows with every change of the user's membership; 0: there never was one
 * @property planId null for a membership that never existed
 * @property capabilities what the user may do with this status: nothing after the membership has ended
 * @property effectiveAt ISO 8601; null only for a membership that never existed
 * @property cancelAt when an active membership will end, if it was canceled for the end of the paid period. ISO 8601
 * @property reason what changed it: an event of the payment processor (`customer.subscription.deleted`), or a call (`user.change_plan`); null only for a
 * membership that never existed
 */
@Serializable
@SerialName("membership.changed")
public data class MembershipChanged(
    public val version: Long,
    public val status: MembershipStatus = MembershipStatus.NONE,
    public val planId: String? = null,
    public val capabilities: Capabilities = Capabilities(),
    public val effectiveAt: String? = null,
    public val cancelAt: String? = null,
    public val reason: String? = null,
)

/** The membership in the state: the same fields as the event of its change. */
public typealias Membership = MembershipChanged

/**
 * What the user may do now. It follows from the membership with the same version.
 * @property version that of the membership
 * @property status that of the membership
 * @property planId that of the membership
 * @property capabilities what is allowed now: nothing after the membership has ended
 */
@Serializable
public data class Entitlement(
    public val version: Long,
    public val status: MembershipStatus = MembershipStatus.NONE,
    public val planId: String? = null,
    public val capabilities: Capabilities = Capabilities(),
)

/**
 * This device must stop this stream.
 * @property streamId as `POST /v1/streams` returned it
 * @property reason `membership`, `too_many_streams`, `operator` or `device_removed`
 */
@Serializable
@SerialName("stream.stop")
public data class StreamStop(public val streamId: String, public val reason: String = "")

/** What a player does. An unknown state of another device counts as [PLAYING]. */
@Serializable
public enum class PlaybackState {
    @SerialName("playing") PLAYING,
    @SerialName("paused") PAUSED,
    @SerialName("ended") ENDED,
}

/**
 * A playback position: how far a profile has watched a show, and on which device.
 * @property profileId the profile that watches
 * @property showId the show or film; a profile has one position in each
 * @property episodeId null: a film, or the device did not say
 * @property positionSeconds from the beginning of the episode
 * @property durationSeconds of the whole episode
 * @property state what the player did at that position
 * @property deviceId the device that reported it
 * @property deviceName what a person calls that device; null: it has no name
 * @property at when the device was at this position, ISO 8601
 */
@Serializable
@SerialName("playback.progress")
public data class Progress(
    public val profileId: String,
    public val showId: String,
    public val episodeId: String? = null,
    public val positionSeconds: Double = 0.0,
    public val durationSeconds: Double = 0.0,
    public val state: PlaybackState = PlaybackState.PLAYING,
    public val deviceId: String = "",
    public val deviceName: String? = null,
    public val at: String,
)

/**
 * Autoplay started several episodes in a row. The app should ask whether anybody is still watching.
 * @property showId the show that plays
 * @property episodes how many were started without a person
 */
@Serializable
@SerialName("playback.still_watching")
public data class StillWatching(public val showId: String, public val episodes: Int = 0)

/**
 * A new front page of a profile.
 * @property profileId the profile that it is for
 * @property version grows with each page of the profile
 * @property items its first items, as the back office wrote them; in the state null until its event came
 * @property url where the whole page is, a path of the server; in the state null until its event came
 */
@Serializable
@SerialName("recommendations.ready")
public data class RecommendationsReady(
    public val profileId: String,
    public val version: PageVersion,
    public val items: List<JsonElement>? = null,
    public val url: String? = null,
)

/**
 * A person saw these events on another device of the user.
 * @property ids of the events
 * @property state `seen`
 */
@Serializable
@SerialName("receipts.changed")
public data class ReceiptsChanged(public val ids: List<String>, public val state: String = "seen")

/** The version of a front page. Numbers compare as numbers, texts as texts, and every number comes after every text. */
@Serializable(with = PageVersionSerializer::class)
public data class PageVersion private constructor(private val number: Long?, private val text: String) : Comparable<PageVersion> {
    public constructor(number: Long) : this(number, number.toString())
    public constructor(text: String) : this(null, text)

    override fun compareTo(other: PageVersion): Int = when {
        number != null && other.number != null -> number.compareTo(other.number)
        number == null && other.number == null -> text.compareTo(other.text)
        else -> if (number != null) 1 else -1
    }

    override fun toString(): String = text

    internal fun toJson(): JsonPrimitive = if (number != null) JsonPrimitive(number) else JsonPrimitive(text)
}

internal object PageVersionSerializer : KSerializer<PageVersion> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("dev.usher.client.PageVersion", PrimitiveKind.STRING)

    override fun deserialize(decoder: Decoder): PageVersion {
        val value = (decoder as JsonDecoder).decodeJsonElement()
        value.textOrNull?.let { return PageVersion(it) }
        return PageVersion(value.numberOrNull?.toLong() ?: throw SerializationException("a version is a number or a text"))
    }

    override fun serialize(encoder: Encoder, value: PageVersion): Unit = (encoder as JsonEncoder).encodeJsonElement(value.toJson())
}

/** Reads a text or a number as text. */
internal object TextOrNumber : KSerializer<String> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("dev.usher.client.TextOrNumber", PrimitiveKind.STRING)

    override fun deserialize(decoder: Decoder): String =
        ((decoder as JsonDecoder).decodeJsonElement() as? JsonPrimitive)?.content ?: throw SerializationException("neither text nor number")

    override fun serialize(encoder: Encoder, value: String): Unit = encoder.encodeString(value)
}
