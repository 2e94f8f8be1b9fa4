package dev.usher.client

/** What the connection does. */
public enum class Connection {
    /** An attempt is under way. */
    CONNECTING,

    /** Connected and up to date. */
    LIVE,

    /** Waiting for the next attempt, which comes by itself. */
    OFFLINE,

    /** Ended for good. */
    CLOSED,
}

/** This device's copy of what `GET /v1/me/state` returns. */
internal data class UserState(
    val membership: Membership? = null,
    val entitlement: Entitlement? = null,
    val playback: List<Progress> = emptyList(),
    val recommendations: List<RecommendationsReady> = emptyList(),
    val entries: List<Envelope> = emptyList(),
)

/**
 * Everything that this device knows. Never changed in place.
 *
 * @property membership what the user pays for; the version never decreases
 * @property entitlement what the user may do now
 * @property playback the newest position of each profile and show, newest first
 * @property recommendations the newest front page version of each profile
 * @property entries the newest durable event of each key, in offset order, at most 1,000
 * @property position how far this device has read
 */
public data class State(
    public val connection: Connection = Connection.OFFLINE,
    public val membership: Membership? = null,
    public val entitlement: Entitlement? = null,
    public val playback: List<Progress> = emptyList(),
    public val recommendations: List<RecommendationsReady> = emptyList(),
    public val entries: List<Envelope> = emptyList(),
    public val position: Position? = null,
)

internal fun toState(user: UserState, position: Position?, connection: Connection): State =
    State(connection, user.membership, user.entitlement, user.playback, user.recommendations, user.entries, position)
