package dev.usher.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject

/**
 * From the start of an attempt to its welcome (and snapshot, or its next page), in ms. A server that accepts and then sends nothing
 * counts as lost.
 */
private const val WELCOME_TIMEOUT_MS = 20_000L
private const val REQUEST_TIMEOUT_MS = 10_000L

/** The server pings every 20 s. What comes after a longer silence was sent before the device fell asleep, and is read when it awakes. */
private const val MAX_SILENCE_MS = 60_000L

internal interface ReconnectingSocketHandlers {
    /** Returns the handshake of this attempt. [downMs]: how long ago the server was last heard of while the device was live. An [UsherError] ends the attempt. */
    suspend fun getAuth(token: String, downMs: Long): JsonObject
    fun onFrame(connection: SocketConnection, frame: Packet.Frame, size: Int)

    /** True while frames that have arrived are not handled yet. */
    fun isBusy(): Boolean
    fun onConnectionChange(connection: Connection)

    /** A connection was lost or an attempt failed. The next attempt is scheduled. */
    fun onOffline(error: UsherError)

    /** The server refused for good. The socket is closed. */
    fun onRefused(error: UsherError)
}

/** Keeps one connection open: connects, and reconnects with backoff, until it is closed or refused for good. */
internal class ReconnectingSocket(
    private val config: UsherConfig,
    private val scope: CoroutineScope,
    private val timers: Timers,
    private val transport: Transport,
    private val handlers: ReconnectingSocketHandlers,
) {
    private var socket: SocketConnection? = null
    private var attempting: Job? = null
    private var failures = 0

    /** A refused token was replaced once since the device was last live. */
    private var hasRenewedToken = false

    /** The server asked for the current delay. */
    private var isDelayRequested = false
    private var liveSince = 0L

    /** When the server was last heard of on the connection that is live. */
    private var heardAt = 0L

    /** The same of the connection that was live last; before there was one, when the first one that ended was begun. */
    private var lostAt: Long? = null

    var connection = Connection.OFFLINE
        private set

    /** When the latest attempt began, by `elapsedMs`. */
    var attemptStartedAt = 0L
        private set

    val isLive: Boolean get() = connection == Connection.LIVE

    /** Starts an attempt now. */
    fun connect() {
        if (connection == Connection.CLOSED) return
        attemptStartedAt = config.clock.elapsedMs()
        setConnection(Connection.CONNECTING)
        timers.clear("retry")
        startWelcomeTimer()
        attempting?.cancel()
        attempting = scope.launch { attempt() }
    }

    /** A page of the snapshot has arrived: the attempt goes on for as long as further ones come in time. */
    fun extendWelcome() {
        if (connection == Connection.CONNECTING) startWelcomeTimer()
    }

    /** The welcome, and the snapshot if there is one, have arrived. */
    fun markLive() {
        timers.clear("welcome")
        if (connection != Connection.CONNECTING) return
        liveSince = config.clock.elapsedMs()
        heardAt = liveSince
        lostAt = null
        hasRenewedToken = false
        setConnection(Connection.LIVE)
    }

    /** Closes this connection and reconnects with backoff, not before [retryAfterMs]. */
    fun reconnect(error: UsherError, retryAfterMs: Long? = null) {
        socket?.close()
        scheduleRetry(error, retryAfterMs)
    }

    /** Sends a request. Throws like [SocketConnection.request]. */
    suspend fun request(name: String, payload: JsonElement): JsonObject =
        (socket ?: throw UsherError("offline", "not connected", true)).request(name, payload, REQUEST_TIMEOUT_MS)

    /** The network is back. Waiting on is of no use, unless the server asked for it. */
    fun retrySoon() {
        if (connection == Connection.OFFLINE && !isDelayRequested) setRetryTimer(retryDelayMs(0, config.random()))
    }

    /** Closes for good. Idempotent. */
    fun close() {
        if (connection == Connection.CLOSED) return
        attempting?.cancel()
        socket?.close()
        socket = null
        setConnection(Connection.CLOSED)
    }

    /** Closes for good and reports why. */
    fun fail(error: UsherError) {
        close()
        handlers.onRefused(error)
    }

    private suspend fun attempt() {
        val token = try {
            withContext(config.dispatcher) { config.token.getToken() }
        } catch (error: Throwable) {
            currentCoroutineContext().ensureActive() // else this attempt was given up while the token was fetched
            return reconnect(toUsherError(error, "token_unavailable"))
        }
        val auth = try {
            handlers.getAuth(token, config.clock.elapsedMs() - (lostAt ?: attemptStartedAt))
        } catch (error: UsherError) {
            currentCoroutineContext().ensureActive()
            return reconnect(error)
        }
        currentCoroutineContext().ensureActive()
        socket = SocketConnection(scope, timers, transport, config.url, auth, socketHandlers())
    }

    private fun socketHandlers() = object : SocketConnectionHandlers {
        override fun onHeard() {
            val now = config.clock.elapsedMs()
            if (isLive && now - heardAt <= MAX_SILENCE_MS) heardAt = now
        }

        override fun onFrame(frame: Packet.Frame, size: Int) {
            socket?.let { handlers.onFrame(it, frame, size) }
        }

        override fun onEnd(error: UsherError) = handleEnd(error)
    }

    private fun startWelcomeTimer(): Unit = timers.set("welcome", WELCOME_TIMEOUT_MS) {
        if (handlers.isBusy()) startWelcomeTimer() // the server did its part; our own handlers are slow
        else reconnect(UsherError("timeout", "no welcome in time", true))
    }

    private fun handleEnd(error: UsherError) {
        val canRenewToken = isTokenError(error) && config.isTokenRenewable
        if (if (isTokenError(error)) !canRenewToken else !error.retryable) return fail(error)
        if (!canRenewToken || hasRenewedToken) return scheduleRetry(error, error.retryAfterMs)
        hasRenewedToken = true
        recordLoss()
        connect()
    }

    private fun scheduleRetry(error: UsherError, retryAfterMs: Long?) {
        if (connection == Connection.CLOSED) return
        attempting?.cancel()
        socket = null
        recordLoss()
        timers.clear("welcome")
        isDelayRequested = retryAfterMs != null
        setRetryTimer(retryDelayMs(failures++, config.random(), retryAfterMs))
        setConnection(Connection.OFFLINE)
        handlers.onOffline(error)
    }

    private fun setRetryTimer(delayMs: Long): Unit = timers.set("retry", delayMs) { connect() }

    private fun recordLoss() {
        lostAt = lostAt ?: attemptStartedAt // pages of a first snapshot may have come
        if (connection != Connection.LIVE) return
        lostAt = heardAt
        failures = failuresAfterConnection(config.clock.elapsedMs() - liveSince, failures)
    }

    private fun setConnection(next: Connection) {
        if (connection == next) return
        connection = next
        handlers.onConnectionChange(next)
    }
}
