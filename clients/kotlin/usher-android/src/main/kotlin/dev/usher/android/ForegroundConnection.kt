package dev.usher.android

import dev.usher.client.Connection
import dev.usher.client.Usher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** A rotation, or a short look at another app, must not cost a reconnect. */
private const val GRACE_MS = 30_000L

/**
 * Keeps a client connected while the app is on the screen. A while after it left the screen the client is closed, and the device is pushed
 * to like any sleeping one. It is connected anew, and hears what it missed, when the app comes back. Used on one thread, Android's main one.
 *
 * @param connect calls [Usher.connect] with all handlers; each time for whoever is signed in then. Returns null if nobody is.
 */
public class ForegroundConnection(
    private val scope: CoroutineScope,
    private val graceMs: Long = GRACE_MS,
    private val connect: () -> Usher?,
) {
    private val current = MutableStateFlow<Usher?>(null)
    private var started = 0
    private var closing: Job? = null

    /** The connected client; null while the app is in the background. One that was refused for good stays until the app comes back. */
    public val usher: StateFlow<Usher?> = current.asStateFlow()

    /** An activity is on the screen. */
    public fun onActivityStarted() {
        started++
        closing?.cancel()
        if (isClosed(current.value)) current.value = connect()
    }

    /** An activity left the screen. */
    public fun onActivityStopped() {
        started = maxOf(0, started - 1)
        if (started > 0) return
        closing?.cancel()
        closing = scope.launch {
            delay(graceMs)
            close()
        }
    }

    /** Another user signed in, or nobody is any more: closes, and connects again if the app is on the screen. */
    public fun onAccountChanged() {
        close()
        if (started > 0) current.value = connect()
    }

    /** The network is back. */
    public fun onNetworkAvailable() {
        current.value?.networkAvailable()
    }

    /** A client that the server refused for good, e.g. because the device connected elsewhere, is as good as none. */
    private fun isClosed(usher: Usher?): Boolean = usher == null || usher.state.value.connection == Connection.CLOSED

    private fun close() {
        closing?.cancel()
        current.value?.close()
        current.value = null
    }
}
