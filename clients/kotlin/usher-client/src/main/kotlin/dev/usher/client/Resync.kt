package dev.usher.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch

/** From a `sync` to its welcome (and snapshot, or its next page), in ms. */
private const val RESPONSE_TIMEOUT_MS = 10_000L

/** After this many failures in a row, suspect the connection itself and replace it. */
private const val MAX_ATTEMPTS = 4

internal class ResyncOptions(
    val random: () -> Double,
    /** Returns null if there is nothing to resume from. */
    val getPosition: () -> Position?,
    val sendSync: suspend (Position) -> Unit,
    /** True while what has arrived is not handled yet: the server is not to blame. */
    val isBusy: () -> Boolean,
    /** Called when the last attempt failed. */
    val onGiveUp: (UsherError) -> Unit,
)

/** Requests missing events: one `sync` at a time, with a timeout, repeated with backoff a few times. */
internal class Resync(private val scope: CoroutineScope, private val timers: Timers, private val options: ResyncOptions) {
    private var isRunning = false
    private var failures = 0
    private var attempt = 0

    /** An event is missing. Does nothing while a sync is running. */
    fun start() {
        if (isRunning) return
        isRunning = true
        send()
    }

    /** The server has responded, but had read its response before the event that showed the gap. Another sync is needed. */
    fun restart() {
        if (!isRunning) return start()
        retry(UsherError("timeout", "the response to sync was outdated", true))
    }

    /** A page of the response has arrived: the others have as long again. */
    fun extend() {
        if (isRunning) startTimer(attempt)
    }

    /** Nothing is missing any more, or the connection ended: the next one resumes from our position anyway. */
    fun stop() {
        isRunning = false
        failures = 0
        attempt++
        timers.clear("sync")
    }

    private fun send() {
        val position = options.getPosition() ?: return stop()
        val current = ++attempt // a failure that arrives late says nothing about the next attempt
        startTimer(current)
        scope.launch {
            try {
                options.sendSync(position)
            } catch (error: UsherError) {
                fail(current, error)
            }
        }
    }

    private fun startTimer(current: Int): Unit = timers.set("sync", RESPONSE_TIMEOUT_MS) {
        if (options.isBusy()) startTimer(current) else fail(current, UsherError("timeout", "no response to sync", true))
    }

    private fun fail(current: Int, error: UsherError) {
        if (current == attempt && isRunning) retry(error)
    }

    private fun retry(error: UsherError) {
        attempt++
        failures++
        if (!error.retryable || failures >= MAX_ATTEMPTS) {
            stop()
            return options.onGiveUp(error)
        }
        timers.set("sync", retryDelayMs(failures - 1, options.random(), error.retryAfterMs)) { send() }
    }
}
