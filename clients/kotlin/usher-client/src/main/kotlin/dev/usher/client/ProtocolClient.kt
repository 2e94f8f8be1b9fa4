package dev.usher.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject

/** Asked for once more: what the server sent shortly before it was last heard of. Its times and ours are not exact. */
private const val OVERLAP_MS = 60_000L

/** A token provider that hangs must not block the next renewal for ever. */
private const val MAX_RENEWAL_MS = 60_000L

/** Frames that wait for slow handlers. More end the connection: what was not acknowledged comes again. */
private const val MAX_WAITING_FRAMES = 1_000
private const val MAX_WAITING_CHARS = 8 * 1024 * 1024

internal interface ProtocolClientHandlers {
    suspend fun handle(event: Envelope)
    fun onCommitted(event: Envelope)

    /** The state may have changed. */
    fun onChange()
    fun onOffline(error: UsherError)
    fun onRefused(error: UsherError)

    /** True from the moment on at which the app closed the client, or the server refused it. */
    fun isClosing(): Boolean

    /** An error that the client recovers from. */
    fun onError(error: Throwable)
}

/** Speaks the device socket's protocol (docs/CONTRACT.md): passes each frame to the part of the client that handles it. */
internal class ProtocolClient(
    private val config: UsherConfig,
    private val scope: CoroutineScope,
    timers: Timers,
    transport: Transport,
    private val handlers: ProtocolClientHandlers,
) : ReconnectingSocketHandlers {
    private class Waiting(val connection: SocketConnection, val frame: Packet.Frame, val size: Int)

    val clock = ServerClock(config.clock)
    val inbox = Inbox(
        InboxOptions(
            deviceId = config.deviceId,
            positionStore = PositionStore(config.storage, config.url, config.deviceId),
            nowMs = clock::nowMs,
            handle = handlers::handle,
            onCommitted = handlers::onCommitted,
            onChange = handlers::onChange,
            onStorageError = ::reportStorage,
            isClosing = handlers::isClosing,
        ),
    )
    private val socket = ReconnectingSocket(config, scope, timers, transport, this)
    val outbox = Outbox(scope, timers, { socket.isLive }, socket::request)
    private val resync = Resync(
        scope, timers,
        ResyncOptions(
            random = config.random,
            getPosition = { inbox.cursor?.position },
            sendSync = { socket.request("sync", it.toJson()) },
            isBusy = ::isBusy,
            onGiveUp = { startOver("sync failed: ${it.message}") },
        ),
    )
    private val waiting = ArrayDeque<Waiting>()
    private var waitingChars = 0
    private var isHandling = false
    private var hasReportedStorage = false
    private var isRenewingToken = false

    val connection: Connection get() = socket.connection

    /** Seconds between two heartbeats, as the latest welcome says. */
    var heartbeatSeconds = 60.0
        private set

    fun open(): Unit = socket.connect()

    /** The system reports that the network is back. */
    fun retrySoon(): Unit = socket.retrySoon()

    /** Closes for good. Messages that were not sent fail with [reason]. */
    fun close(reason: UsherError) {
        socket.close()
        resync.stop()
        outbox.close(reason)
    }

    /** Throws [UsherError] `storage` if the user's position cannot be read. */
    override suspend fun getAuth(token: String, downMs: Long): JsonObject {
        readTokenSubject(token)?.let { setUser(it) }
        val position = getResumePosition(inbox.cursor, downMs)
        return buildJsonObject {
            put("deviceId", JsonPrimitive(config.deviceId))
            put("platform", JsonPrimitive(config.platform))
            config.appVersion?.let { put("appVersion", JsonPrimitive(it)) }
            config.profileId?.let { put("profileId", JsonPrimitive(it)) }
            put("token", JsonPrimitive(token))
            // One epoch for both: a number of another one means nothing beside the position.
            inbox.broadcastPosition?.takeIf { position == null || it.epoch == position.epoch }?.let {
                put("epoch", JsonPrimitive(it.epoch))
                put("broadcast", JsonPrimitive(it.number.toString()))
            }
            if (position == null) return@buildJsonObject
            put("epoch", JsonPrimitive(position.epoch))
            put("offset", JsonPrimitive(position.offset.toString()))
            put("since", JsonPrimitive(formatTime(clock.nowMs() - downMs - OVERLAP_MS)))
        }
    }

    override fun onFrame(connection: SocketConnection, frame: Packet.Frame, size: Int) {
        when (frame.name) {
            // These do not wait for slow handlers.
            FrameNames.GOAWAY -> return handleGoaway(frame.payload)
            FrameNames.TOKEN_EXPIRING -> return Unit.also { scope.launch { renewToken() } }
        }
        if (waiting.size >= MAX_WAITING_FRAMES || waitingChars > MAX_WAITING_CHARS)
            return socket.reconnect(UsherError("slow", "more events arrive than handlers take", true))
        waiting.addLast(Waiting(connection, frame, size))
        waitingChars += size
        if (isHandling) return
        isHandling = true
        scope.launch { handleWaiting() }
    }

    override fun isBusy(): Boolean = isHandling

    override fun onConnectionChange(connection: Connection) {
        if (connection != Connection.LIVE) resync.stop()
        handlers.onChange()
    }

    override fun onOffline(error: UsherError): Unit = handlers.onOffline(error)

    override fun onRefused(error: UsherError): Unit = handlers.onRefused(error)

    /** Handles one frame after the other. What a connection brought that has ended since is dropped: its successor brings it again. */
    private suspend fun handleWaiting() {
        try {
            while (true) {
                val next = waiting.removeFirstOrNull() ?: break
                waitingChars -= next.size
                if (next.connection.isActive && !handlers.isClosing()) handleFrame(next.connection, next.frame)
            }
        } finally {
            isHandling = false
        }
    }

    private suspend fun handleFrame(from: SocketConnection, frame: Packet.Frame) {
        when (frame.name) {
            FrameNames.WELCOME -> handleWelcome(from, frame.payload)
            FrameNames.SNAPSHOT -> handleSnapshot(from, frame)
            else -> handleEvent(from, frame)
        }
    }

    private suspend fun handleWelcome(from: SocketConnection, payload: JsonElement?) {
        val welcome = parseWelcome(payload) ?: return startOver("the welcome cannot be read")
        if (!socket.isLive) clock.synchronize(welcome.serverTimeMs, socket.attemptStartedAt)
        heartbeatSeconds = welcome.heartbeatSeconds
        try {
            setUser(welcome.userId)
        } catch (error: UsherError) {
            if (from.isActive) socket.reconnect(error)
            return
        }
        if (!from.isActive) return
        when (inbox.handleWelcome(welcome)) {
            AfterWelcome.MISMATCH -> startOver("the replay does not continue our position")
            AfterWelcome.REPLAY -> resume()
            AfterWelcome.SNAPSHOT -> Unit
        }
    }

    private suspend fun handleSnapshot(from: SocketConnection, frame: Packet.Frame) {
        val result = inbox.handleSnapshot(frame.payload)
        if (!from.isActive || result == AfterSnapshot.CLOSED) return
        if (result == AfterSnapshot.UNREADABLE) return startOver("the snapshot cannot be read")
        from.acknowledge(frame) // the next page follows it
        if (result == AfterSnapshot.COMPLETE) return resume()
        socket.extendWelcome()
        resync.extend()
    }

    private suspend fun handleEvent(from: SocketConnection, frame: Packet.Frame) {
        val event = parseEnvelope(frame.payload)
            ?: return handlers.onError(UsherError("protocol", "a frame without an event was ignored", false))
        val isComplete = inbox.handleEvent(event) { from.acknowledge(frame) }
        if (!isComplete && from.isActive) resync.start()
    }

    private fun resume() {
        socket.markLive()
        if (inbox.isBehind) resync.restart() else resync.stop()
        outbox.flush()
    }

    private fun handleGoaway(payload: JsonElement?) {
        // Two devices with the same id would replace each other for ever.
        if (isSuperseded(payload)) return socket.fail(UsherError("superseded", "this device connected elsewhere", false))
        socket.reconnect(UsherError("goaway", "the server asked us to come back later", true), parseRetryAfterMs(payload))
    }

    /** If it fails, the server closes the connection when the token expires, and the next attempt fetches a token of its own. One at a time. */
    private suspend fun renewToken() {
        if (!config.isTokenRenewable || isRenewingToken) return
        isRenewingToken = true
        try {
            val token = withTimeout(MAX_RENEWAL_MS) { withContext(config.dispatcher) { config.token.getToken() } }
            socket.request("token.refresh", buildJsonObject { put("token", JsonPrimitive(token)) })
        } catch (error: Throwable) {
            currentCoroutineContext().ensureActive()
            if (socket.isLive) handlers.onError(toUsherError(error, "token_unavailable"))
        } finally {
            isRenewingToken = false
        }
    }

    /** Messages of the previous user must not be sent in the name of the next one. Throws [UsherError] `storage`. */
    private suspend fun setUser(userId: String) {
        if (inbox.setUser(userId)) {
            outbox.discard(userChanged())
            handlers.onChange()
        }
        inbox.loadPosition()
    }

    /** Reconnects with backoff and asks for a snapshot, which is right whatever went wrong. */
    private fun startOver(message: String) {
        inbox.discardCursor()
        socket.reconnect(UsherError("protocol", message, true))
    }

    private fun reportStorage(error: UsherError) {
        if (hasReportedStorage) return // once is enough: it would be repeated with each event
        hasReportedStorage = true
        handlers.onError(error)
    }
}

private fun Position.toJson(): JsonObject = buildJsonObject {
    put("epoch", JsonPrimitive(epoch))
    put("offset", JsonPrimitive(offset))
}
