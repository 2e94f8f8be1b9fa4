package dev.usher.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch

internal class HeartbeatLoopOptions(
    /** Unique among the client's timers. */
    val timerName: String,
    val getBeat: suspend () -> Beat,
    val sendBeat: suspend (Beat) -> BeatAnswer,
    /** Seconds between two beats until a response says otherwise. */
    val getIntervalSeconds: () -> Double,
    val onError: (Throwable) -> Unit,
)

/**
 * Sends heartbeats while `getBeat` says `PLAYING`. The first one is sent after one interval, because less does not count as watching;
 * later ones when the server wants them. A pause is sent once. Used on the client's one thread.
 */
internal class HeartbeatLoop(private val scope: CoroutineScope, private val timers: Timers, private val options: HeartbeatLoopOptions) {
    private var intervalSeconds: Double? = null
    private var lastState: PlaybackState? = null
    private var isStopped = false
    private var isReading = false

    fun start(): Unit = schedule()

    fun stop() {
        isStopped = true
        timers.clear(options.timerName)
    }

    private fun schedule() {
        if (isStopped) return
        val seconds = intervalSeconds ?: options.getIntervalSeconds()
        timers.set(options.timerName, (seconds * 1_000).toLong()) {
            schedule() // first, so that neither a throwing player nor a missing response ends the loop
            if (!isReading) scope.launch { tick() }
        }
    }

    private suspend fun tick() {
        try {
            isReading = true
            val beat = try { options.getBeat() } finally { isReading = false }
            if (isStopped || (beat.state != PlaybackState.PLAYING && (lastState == null || beat.state == lastState))) return
            lastState = beat.state
            adoptInterval(options.sendBeat(beat).nextSeconds)
        } catch (error: UsherError) {
            handleFailure(error)
        } catch (error: Exception) {
            if (!isStopped) options.onError(error)
        }
    }

    private fun adoptInterval(seconds: Double) {
        if (isStopped || seconds == intervalSeconds) return
        intervalSeconds = seconds
        schedule()
    }

    private fun handleFailure(error: UsherError) {
        if (isStopped || error.code == "closed") return
        if (error.retryAfterMs != null) adoptInterval(maxOf(options.getIntervalSeconds(), error.retryAfterMs / 1_000.0))
        else if (!error.retryable) options.onError(error)
    }
}
