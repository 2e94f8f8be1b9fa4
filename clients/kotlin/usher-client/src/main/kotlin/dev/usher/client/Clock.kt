package dev.usher.client

/** The clocks of a client. Tests pass a virtual one together with a test dispatcher. */
public interface Clock {
    /** Milliseconds since 1970. May jump when the system's time is set. */
    public fun wallMs(): Long

    /** Milliseconds since any fixed instant, the device's sleep included. Never jumps. */
    public fun elapsedMs(): Long

    public companion object {
        /**
         * The system's clocks. On Android `elapsedMs` is `SystemClock.elapsedRealtime()`: `System.nanoTime()` stops while the device
         * sleeps there, and a night would look like a short break.
         */
        public val System: Clock = SystemClock
    }
}

private object SystemClock : Clock {
    private val elapsedRealtime = try {
        Class.forName("android.os.SystemClock").getMethod("elapsedRealtime")
    } catch (_: ReflectiveOperationException) {
        null // not Android
    }

    override fun wallMs(): Long = java.lang.System.currentTimeMillis()

    override fun elapsedMs(): Long = elapsedRealtime?.invoke(null) as? Long ?: (java.lang.System.nanoTime() / 1_000_000)
}

/** If a `welcome` took longer than this, its time is ignored: the device may have slept while waiting for it. */
private const val MAX_ROUND_TRIP_MS = 5_000

/**
 * The current time by the server's clock, estimated from each `welcome`. Of two playback positions the newer one wins, which is
 * fair only if devices agree on the time, and the clocks of televisions are often wrong.
 */
internal class ServerClock(private val clock: Clock) {
    /**
     * What to add to `elapsedMs`; null until the first welcome. By the system's time, which may be set, events would pass for expired, which
     * are then never heard.
     */
    private var offsetMs: Long? = null

    /** Returns the estimated server time in ms since 1970. */
    fun nowMs(): Long = offsetMs?.let { clock.elapsedMs() + it } ?: clock.wallMs()

    /**
     * Adopts the server's time. An unreadable or late one is ignored.
     * @param requestedAtMs `elapsedMs` at which the connection was requested
     */
    fun synchronize(serverTimeMs: Long?, requestedAtMs: Long) {
        if (serverTimeMs == null || clock.elapsedMs() - requestedAtMs > MAX_ROUND_TRIP_MS) return
        offsetMs = serverTimeMs - clock.elapsedMs()
    }
}
