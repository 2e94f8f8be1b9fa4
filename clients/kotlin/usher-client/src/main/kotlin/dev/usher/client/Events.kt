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

/** What a plan allows. `maxQuality` is a name (`4k`) or a number as text. */
@Serializable
public data class Capabilities(
    public val streaming: Boolean = false,
    public val maxStreams: Int = 0,
    @Serializable(with = TextOrNumber::class) public val maxQuality: String = "none",
    public val downloads: Boolean = false,
    public val ads: Boolean = false,
)

/** An unknown status counts as [NONE]. */
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
 * What the user pays for, as the payment processor reports it, and the event of its change. [version] only grows.
 * @property effectiveAt ISO 8601; null only for a membership that never existed
 * @property cancelAt when an active membership will end, if it was canceled for the end of the paid period. ISO 8601
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

/** What the user may do now. It follows from the membership with the same version. */
@Serializable
public data class Entitlement(
    public val version: Long,
    public val status: MembershipStatus = MembershipStatus.NONE,
    public val planId: String? = null,
    public val capabilities: Capabilities = Capabilities(),
)

/** This device must stop this stream. `reason`: `membership`, `too_many_streams`, `operator` or `device_removed`. */
@Serializable
@SerialName("stream.stop")
public data class StreamStop(public val streamId: String, public val reason: String = "")

/** `PLAYING` is also what an unknown state of another device counts as. */
@Serializable
public enum class PlaybackState {
    @SerialName("playing") PLAYING,
    @SerialName("paused") PAUSED,
    @SerialName("ended") ENDED,
}

/** A playback position: how far a profile has watched a show, and on which device. [at] is ISO 8601. */
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

/** Autoplay started this many episodes in a row. The app should ask whether anybody is still watching. */
@Serializable
@SerialName("playback.still_watching")
public data class StillWatching(public val showId: String, public val episodes: Int = 0)

/** A front page: its first items, and the URL of the whole page. In the state `items` and `url` are null until its event came. */
@Serializable
@SerialName("recommendations.ready")
public data class RecommendationsReady(
    public val profileId: String,
    public val version: PageVersion,
    public val items: List<JsonElement>? = null,
    public val url: String? = null,
)

/** A person saw these events on another device of the user. */
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
