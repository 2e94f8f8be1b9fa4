package dev.usher.client

import kotlinx.serialization.json.JsonElement

/** The size of `entries`, the same as in the server's state. Without a limit, events that supersede nothing would pile up. */
internal const val MAX_ENTRIES = 1_000

/** Returns the state after one event. Durable events must come in order, routine ones may come in any. */
internal fun applyEvent(state: UserState, event: Envelope): UserState {
    val next = if (event.offset == null) state else state.copy(entries = addEntry(state.entries, event))
    return when (event.type) {
        "membership.changed" -> parseMembership(event.data)?.let { applyMembership(next, it) }
        "playback.progress" -> parseProgress(event.data)?.let { applyProgress(next, it) }
        "recommendations.ready" -> decodeOrNull(RecommendationsReady.serializer(), event.data)?.let { applyFrontPage(next, it) }
        else -> null
    } ?: next
}

/**
 * Returns the state after a snapshot. The snapshot replaces everything, except for rows with a newer version or time on this device:
 * the server may have read the snapshot before the event that this device already applied.
 */
internal fun applySnapshot(state: UserState, snapshot: UserState): UserState {
    val shows = snapshot.playback.mapTo(HashSet()) { it.showKey }
    val profiles = snapshot.recommendations.mapTo(HashSet()) { it.profileId }
    val kept = state.copy(
        playback = state.playback.filter { it.showKey in shows },
        recommendations = state.recommendations.filter { it.profileId in profiles },
        entries = emptyList(),
    )
    var next = snapshot.entries.sortedBy { it.offset }.fold(kept, ::applyEvent)
    next = snapshot.playback.fold(next, ::applyProgress)
    next = snapshot.recommendations.fold(next, ::applyFrontPage)
    return applyVersions(next, snapshot.membership, snapshot.entitlement)
}

/**
 * Returns the state with this playback position, unless a newer one is known. Of two with the same `at` the greater device id wins,
 * so that all devices decide alike (docs/CONTRACT.md, "Playback rules").
 */
internal fun applyProgress(state: UserState, row: Progress): UserState {
    val known = state.playback.find { it.showKey == row.showKey }
    if (known != null && byTime.compare(row, known) <= 0) return state
    return state.copy(playback = (state.playback.filter { it !== known } + row).sortedWith(byTime.reversed()))
}

/** Returns a playback position with a readable time, or null. */
internal fun parseProgress(value: JsonElement?): Progress? =
    decodeOrNull(Progress.serializer(), value)?.takeIf { parseTime(it.at) != null }

/** Returns a membership with a version to compare by, or null. */
internal fun parseMembership(value: JsonElement?): Membership? = decodeOrNull(Membership.serializer(), value.takeIf(::hasVersion))

/** Returns an entitlement with a version to compare by, or null. */
internal fun parseEntitlement(value: JsonElement?): Entitlement? = decodeOrNull(Entitlement.serializer(), value.takeIf(::hasVersion))

/** The decoder takes a text for a number, and a text is no version. */
private fun hasVersion(value: JsonElement?): Boolean = value.objectOrNull?.get("version").numberOrNull != null

private fun applyMembership(state: UserState, new: Membership): UserState =
    applyVersions(state, new, Entitlement(new.version, new.status, new.planId, new.capabilities))

/**
 * Versions only grow, and a device must never act on a lower one than it knows. The same version again replaces the known one: a
 * snapshot may carry corrected capabilities without a new version.
 */
private fun applyVersions(state: UserState, membership: Membership?, entitlement: Entitlement?): UserState = state.copy(
    membership = membership?.takeIf { it.version >= (state.membership?.version ?: 0) } ?: state.membership,
    entitlement = entitlement?.takeIf { it.version >= (state.entitlement?.version ?: 0) } ?: state.entitlement,
)

private fun applyFrontPage(state: UserState, page: RecommendationsReady): UserState {
    val known = state.recommendations.find { it.profileId == page.profileId }
    val order = if (known == null) 1 else page.version.compareTo(known.version)
    // The same version again may bring the items, which a snapshot leaves out.
    if (order < 0 || (order == 0 && page.items == null)) return state
    return state.copy(recommendations = (state.recommendations.filter { it !== known } + page).sortedBy { it.profileId })
}

private fun addEntry(entries: List<Envelope>, event: Envelope): List<Envelope> {
    val known = entries.find { it.key == event.key }
    if (known != null && (known.offset ?: 0) >= (event.offset ?: 0)) return entries
    return (entries.filter { it !== known } + event).sortedBy { it.offset }.takeLast(MAX_ENTRIES)
}

private val Progress.showKey: Pair<String, String> get() = profileId to showId

private val byTime: Comparator<Progress> = compareBy<Progress> { parseTime(it.at) ?: 0 }.thenBy { it.deviceId }
