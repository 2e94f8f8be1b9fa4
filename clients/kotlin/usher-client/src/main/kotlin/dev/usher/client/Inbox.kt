package dev.usher.client

import kotlinx.serialization.json.JsonElement

internal class InboxOptions(
    val deviceId: String,
    val positionStore: PositionStore,
    /** The server's time in ms. */
    val nowMs: () -> Long,
    /** Runs the app's handlers. Must not throw. */
    val handle: suspend (Envelope) -> Unit,
    /** The position after this event is stored. */
    val onCommitted: (Envelope) -> Unit,
    /** The state or the position may have changed. */
    val onChange: () -> Unit,
    /** The position could not be stored or read. */
    val onStorageError: (UsherError) -> Unit,
    /** The app closed the client, or the server refused it. No further event is delivered. */
    val isClosing: () -> Boolean,
)

/** What a `welcome` is followed by. */
internal enum class AfterWelcome {
    REPLAY,
    SNAPSHOT,

    /** The replay does not continue our position, and only a snapshot helps. */
    MISMATCH,
}

internal enum class AfterSnapshot {
    COMPLETE,

    /** Another page follows. */
    INCOMPLETE,

    /** Only a new connection helps. */
    UNREADABLE,

    /** The client was closed while the snapshot was delivered. The rest of it waits for the next client. */
    CLOSED,
}

/**
 * After so many failed attempts to read the stored position the device goes on as a new one: it misses the events of its absence, and has
 * only the state. Without a limit, a storage that stays broken would keep the device from ever connecting, which is worse.
 */
private const val MAX_LOAD_ATTEMPTS = 3

/**
 * Receives snapshots and events, one at a time. Delivers each durable event once and in order, and stores the position only after the
 * app's handlers have returned: an app that dies in between receives the event again. The other order would lose it.
 *
 * Handlers suspend. Meanwhile another user may sign in: [generation] then differs, and nothing of the former user is kept. Or the client
 * may be closed: the handler that runs is let finish, its event is stored, and no further one is delivered.
 */
internal class Inbox(private val options: InboxOptions) {
    var state = UserState()
        private set
    var cursor: Cursor? = null
        private set
    private var userId: String? = null
    private var generation = 0
    private var isPositionLoaded = false
    private var loadFailures = 0

    /** The position of the last delivered event while there is no cursor: a stored one, or that of the discarded cursor. */
    private var deliveredPosition: Position? = null

    /** How far this device has read what is said to everyone. */
    var broadcastPosition: BroadcastPosition? = null
        private set

    /** Pages of a snapshot are still to come. */
    private var isSnapshotOpen = false

    /** The newest position, as the welcome says. */
    private var head: Position? = null

    /** Events up to here are not delivered to the app: they were, or are the past of a new device. */
    private var past: Position? = null

    /** The highest event that was received and not applied. */
    private var highestSkipped: Position? = null

    val position: Position? get() = cursor?.position ?: deliveredPosition

    /** True if an event beyond the cursor and its replay was received. The server does not send it again unless asked. */
    val isBehind: Boolean
        get() {
            val current = cursor ?: return false
            val skipped = highestSkipped?.takeIf { it.epoch == current.epoch } ?: return false
            return skipped.offset > maxOf(current.offset, current.replayEnd)
        }

    /** Discards everything of the previous user. Returns true if there was another one. */
    fun setUser(userId: String): Boolean {
        if (this.userId == userId) return false
        val hadOtherUser = this.userId != null
        generation++
        this.userId = userId
        isPositionLoaded = false
        loadFailures = 0
        state = UserState()
        cursor = null
        highestSkipped = null
        past = null
        deliveredPosition = null
        broadcastPosition = null
        return hadOtherUser
    }

    /**
     * Reads the user's stored position, once per user. An attempt that is given up while it waits here leaves it to the next one: a
     * position that is taken for none would lose the events that were missed.
     * Throws [UsherError] `storage` if it cannot be read; see [MAX_LOAD_ATTEMPTS].
     */
    suspend fun loadPosition() {
        val userId = userId ?: return
        if (isPositionLoaded) return
        val current = generation
        val stored = try {
            options.positionStore.load(userId)
        } catch (error: UsherError) {
            if (current != generation) return
            options.onStorageError(error)
            if (++loadFailures < MAX_LOAD_ATTEMPTS) throw error
            null
        }
        if (current != generation) return
        isPositionLoaded = true
        if (position == null) deliveredPosition = stored?.position
        if (broadcastPosition == null) broadcastPosition = stored?.broadcast?.let { BroadcastPosition(stored.position.epoch, it) }
    }

    fun handleWelcome(welcome: Welcome): AfterWelcome {
        val replay = if (welcome.isReplay) beginReplay(cursor, welcome.position) else null
        if (replay == null) discardCursor()
        cursor = replay
        head = welcome.position
        isSnapshotOpen = false
        return when {
            replay != null -> AfterWelcome.REPLAY
            welcome.isReplay -> AfterWelcome.MISMATCH
            else -> AfterWelcome.SNAPSHOT
        }
    }

    /** The next connection asks for a snapshot. Which events were delivered is remembered. */
    fun discardCursor() {
        deliveredPosition = position
        cursor = null
    }

    /** Applies a snapshot, or the next page of one, and delivers what the app has missed. */
    suspend fun handleSnapshot(payload: JsonElement?): AfterSnapshot {
        val snapshot = parseSnapshot(payload) ?: return AfterSnapshot.UNREADABLE
        val current = generation
        val entries = snapshot.state.entries.filter(::isRelevant)
        state = if (isSnapshotOpen) entries.fold(state, ::applyEvent) else beginSnapshot(snapshot, entries)
        options.onChange() // a screen need not wait for handlers
        val news = entries.filterNot(::isPast)
        for (entry in news) {
            options.handle(entry)
            if (current != generation) return AfterSnapshot.INCOMPLETE
            if (options.isClosing()) return stopAt(snapshot.position.epoch, entry)
        }
        isSnapshotOpen = snapshot.hasMore
        cursor = Cursor(snapshot.position.epoch, snapshot.position.offset, snapshot.position.offset)
        savePosition()
        news.forEach(options.onCommitted)
        return if (snapshot.hasMore) AfterSnapshot.INCOMPLETE else AfterSnapshot.COMPLETE
    }

    /** Applies, delivers and acknowledges an event. Returns false if an event before it is missing. */
    suspend fun handleEvent(event: Envelope, acknowledge: () -> Unit): Boolean {
        if (event.offset != null) return handleDurable(event, event.offset, acknowledge)
        if (event.broadcast != null && event.epoch != null)
            return handleBroadcast(event, BroadcastPosition(event.epoch, event.broadcast), acknowledge)
        if (!isRelevant(event)) return true.also { acknowledge() }
        val current = generation
        options.handle(event)
        if (current != generation) return true
        state = applyEvent(state, event)
        acknowledge()
        options.onChange()
        options.onCommitted(event)
        return true
    }

    /** Adds this device's own playback position to the state. Of two of the same time the later call is the newer one. */
    fun addProgress(progress: Progress) {
        val others = state.playback.filterNot { it.isSameInstant(progress) }
        state = applyProgress(state.copy(playback = others), progress)
        options.onChange()
    }

    /** Stores how far a snapshot was delivered. Its entries are in offset order. */
    private suspend fun stopAt(epoch: String, entry: Envelope): AfterSnapshot {
        if (entry.offset != null) cursor = Cursor(epoch, entry.offset, entry.offset)
        savePosition()
        return AfterSnapshot.CLOSED
    }

    private suspend fun handleDurable(event: Envelope, offset: Long, acknowledge: () -> Unit): Boolean {
        val check = checkOffset(cursor, event.epoch, offset)
        if (check == OffsetCheck.DUPLICATE) acknowledge() // the first acknowledgement was lost
        if (check == OffsetCheck.GAP || check == OffsetCheck.NO_CURSOR) recordSkipped(event, offset)
        val before = cursor
        if (check != OffsetCheck.NEXT || before == null) return check != OffsetCheck.GAP
        val current = generation
        val isRelevant = isRelevant(event)
        val isNews = isRelevant && !isPast(event)
        if (isNews) options.handle(event)
        if (current != generation) return true // another user signed in while the handler ran
        if (isRelevant) state = applyEvent(state, event)
        // The cursor may have been discarded while the handler ran. The next snapshot must not deliver the event again.
        if (cursor == null) deliveredPosition = Position(before.epoch, offset)
        cursor = cursor?.copy(offset = offset)
        savePosition()
        acknowledge()
        if (isNews) options.onCommitted(event)
        return true
    }

    /** Delivers what is said to everyone. It is no part of the user's state, and none is missing: the server sends all after our number. */
    private suspend fun handleBroadcast(event: Envelope, position: BroadcastPosition, acknowledge: () -> Unit): Boolean {
        val isNews = broadcastPosition?.includes(position) != true
        if (isNews) {
            val current = generation
            val isRelevant = isRelevant(event)
            if (isRelevant) options.handle(event)
            if (current != generation) return true // another user signed in while the handler ran
            broadcastPosition = position
            savePosition()
            if (isRelevant) options.onCommitted(event)
        }
        acknowledge()
        return true
    }

    /**
     * Remembers which of the snapshot's events are the past: those that the app has received. On a new device that is all of them, and in
     * a new epoch nobody can tell, so the app has only the state to go by. It is still so if the connection ends between two pages, and
     * the next one replays the rest.
     */
    private fun beginSnapshot(snapshot: Snapshot, entries: List<Envelope>): UserState {
        val position = snapshot.position
        val newest = head?.takeIf { it.epoch == position.epoch } ?: position
        val known = deliveredPosition?.takeIf { it.epoch == position.epoch } ?: newest
        past = past?.takeIf { it.epoch == known.epoch && it.offset > known.offset } ?: known
        return applySnapshot(state, snapshot.state.copy(entries = entries))
    }

    private fun isPast(event: Envelope): Boolean {
        val past = past ?: return false
        val offset = event.offset ?: return false
        return offset <= past.offset && (event.epoch ?: past.epoch) == past.epoch
    }

    private fun isRelevant(event: Envelope): Boolean = isRelevant(event, options.deviceId, options.nowMs())

    /** A position within the past is not stored: after a restart the rest of the past would be delivered. */
    private suspend fun savePosition() {
        val position = position ?: return
        val userId = userId ?: return
        val isWithinPast = past.let { it != null && it.epoch == position.epoch && position.offset < it.offset }
        if (!isWithinPast) store(userId, position)
        options.onChange()
    }

    private suspend fun store(userId: String, position: Position): Unit = try {
        val number = broadcastPosition?.takeIf { it.epoch == position.epoch }?.number
        options.positionStore.save(userId, StoredPosition(position, number))
    } catch (error: UsherError) {
        options.onStorageError(error)
    }

    private fun recordSkipped(event: Envelope, offset: Long) {
        val epoch = event.epoch ?: cursor?.epoch ?: ""
        val known = highestSkipped
        if (known == null || known.epoch != epoch || known.offset < offset) highestSkipped = Position(epoch, offset)
    }
}

private fun Progress.isSameInstant(other: Progress): Boolean =
    profileId == other.profileId && showId == other.showId && deviceId == other.deviceId && at == other.at
