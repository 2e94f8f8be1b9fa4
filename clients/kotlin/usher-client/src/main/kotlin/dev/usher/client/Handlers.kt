package dev.usher.client

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.util.concurrent.CopyOnWriteArrayList

/** Removes a handler, or stops a loop. Closing it twice does no harm. */
public fun interface Subscription : AutoCloseable {
    override fun close()
}

/** A collector of `events` that is so many events behind loses the oldest. */
private const val MAX_BUFFERED_EVENTS = 256

/** The app's handlers and collectors. One that fails affects neither the others nor the caller. May be used on any thread. */
internal class Handlers(
    private val dispatcher: CoroutineDispatcher,
    private val timeoutMs: Long,
    private val onError: (Throwable) -> Unit,
) {
    private class Handler(val type: String?, val handle: suspend (Envelope) -> Unit)

    private val handlers = CopyOnWriteArrayList<Handler>()
    private val collectors = CopyOnWriteArrayList<Channel<Envelope>>()
    @Volatile private var isClosed = false

    /** @param type null for every type */
    fun add(type: String?, handle: suspend (Envelope) -> Unit): Subscription {
        val handler = Handler(type, handle) // an object of its own: a function that is added twice counts as two handlers
        handlers.add(handler)
        return Subscription { handlers.remove(handler) }
    }

    /** Runs the handlers of this event one after the other. Throws nothing but the caller's own cancellation. */
    suspend fun handle(event: Envelope) {
        for (handler in handlers) {
            if (handler.type != null && handler.type != event.type) continue
            try {
                withContext(dispatcher) { withTimeout(timeoutMs) { handler.handle(event) } }
            } catch (error: TimeoutCancellationException) {
                onError(UsherError("handler_timeout", "a handler of ${event.type} took too long", false, cause = error))
            } catch (error: CancellationException) {
                currentCoroutineContext().ensureActive()
                onError(error)
            } catch (error: Throwable) {
                onError(error)
            }
        }
    }

    /** Passes a committed event to the collectors. Never waits for them. Once closed, they get nothing more and keep what they have. */
    fun publish(event: Envelope) {
        if (isClosed) return
        for (collector in collectors) {
            if (collector.trySend(event).isSuccess) continue
            collector.tryReceive()
            collector.trySend(event)
            onError(UsherError("slow", "a collector of events is too slow and lost one", false))
        }
    }

    /** The committed events from the collection's beginning on. Completes when the client is closed. */
    val events: Flow<Envelope> = flow {
        val collector = Channel<Envelope>(MAX_BUFFERED_EVENTS)
        collectors.add(collector)
        if (isClosed) collector.close()
        try {
            for (event in collector) emit(event)
        } finally {
            collectors.remove(collector)
        }
    }

    fun close() {
        isClosed = true
        collectors.forEach { it.close() }
    }
}
