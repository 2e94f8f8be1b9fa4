package dev.usher.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** Owns the timers of one client, one per name. After [stop] none fires and none can be set. Used on the client's one thread. */
internal class Timers(private val scope: CoroutineScope) {
    private val running = HashMap<String, Job>()
    private var isStopped = false

    /** Calls [callback] once after [delayMs]. Replaces the timer of the same name. */
    fun set(name: String, delayMs: Long, callback: suspend () -> Unit) {
        clear(name)
        if (isStopped) return
        running[name] = scope.launch {
            delay(delayMs)
            running.remove(name)
            callback()
        }
    }

    fun clear(name: String) {
        running.remove(name)?.cancel()
    }

    fun stop() {
        isStopped = true
        running.keys.toList().forEach(::clear)
    }
}
