package dev.usher.client

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.serialization.KSerializer
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.serializer
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/** What [Usher.signals] reports beside the state. */
public sealed interface Signal {
    /** The connection was lost, or an attempt failed. The client reconnects by itself. */
    public data class Offline(public val error: UsherError) : Signal

    /** The server refused for good, and the client closed. */
    public data class Refused(public val error: UsherError) : Signal

    /** A handler threw, or an error occurred that the client recovers from. */
    public data class Failure(public val error: Throwable) : Signal
}

/** How far events got on this device. */
private const val APPLIED = "applied"
private const val SEEN = "seen"
private const val BUFFERED_SIGNALS = 64

/** The same rule as the server's for published events. */
private const val MAX_EVENT_TYPE_LENGTH = 64
private val EVENT_TYPE = Regex("[A-Za-z][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*")

/**
 * One device of one user, kept in sync with the user's other devices. Made by [Usher.connect]. All methods may be called on any thread
 * and return at once.
 */
@OptIn(ExperimentalCoroutinesApi::class)
public class Usher private constructor(private val config: UsherConfig) {
    private val job = SupervisorJob()
    private val scope = CoroutineScope(
        job + config.dispatcher.limitedParallelism(1) + CoroutineExceptionHandler { _, error -> report(error) },
    )
    private val timers = Timers(scope)
    private val transport = config.transport ?: OkHttpTransport()
    private val handlers = Handlers(config.dispatcher, config.handlerTimeoutMs, ::report)
    private val currentState = MutableStateFlow(State())
    private val currentSignals = MutableSharedFlow<Signal>(0, BUFFERED_SIGNALS, BufferOverflow.DROP_OLDEST)
    private val client: ProtocolClient = ProtocolClient(config, scope, timers, transport, clientHandlers())
    private val loops = AtomicInteger()
    private val isClosing = AtomicBoolean()

    /** What this device knows now. After an event it changes when the event's handlers have returned. */
    public val state: StateFlow<State> = currentState.asStateFlow()

    /**
     * Every event, once it is committed: its handlers have returned and the position is stored. An app that dies meanwhile does not get it
     * here again, so what must not be lost belongs into [on]. A collector that is 256 events behind loses the oldest, which is reported.
     * Completes when the client is closed.
     */
    public val events: Flow<Envelope> get() = handlers.events

    /** Lost connections and errors. Failures go to `System.err` while nobody collects. */
    public val signals: SharedFlow<Signal> = currentSignals.asSharedFlow()

    /**
     * Handles events of the type that [T] is the data of: one of Usher's own (`on<StreamStop> { … }`), or a class of yours with
     * `@Serializable @SerialName("party.invited")`.
     *
     * Each durable event is delivered once and in order, also across restarts if the position is stored. It counts as received when its
     * handlers have returned, and they run one after the other: store what must not be lost, and return. A handler that throws, or takes
     * longer than `handlerTimeoutMs`, is reported, and the next event is handled. The time-out is a cancellation: a handler that blocks its
     * thread is not interrupted, and holds up all events. Do not wait in a handler for [heartbeat], [applied] or [seen].
     */
    public inline fun <reified T : Any> on(noinline handler: suspend (Event<T>) -> Unit): Subscription {
        val deserializer = serializer<T>()
        val type = deserializer.descriptor.serialName
        // Without @SerialName it is the name of the class.
        require(type != T::class.qualifiedName && !type.startsWith("kotlin.")) { "give $type a @SerialName: the type of its event" }
        return on(type, deserializer, handler)
    }

    /**
     * Handles events of this type, with their data decoded. Data of another form is reported as a failure.
     * @throws IllegalArgumentException if no event can have this type
     */
    public fun <T> on(type: String, deserializer: KSerializer<T>, handler: suspend (Event<T>) -> Unit): Subscription {
        require(type.length <= MAX_EVENT_TYPE_LENGTH && EVENT_TYPE.matches(type)) {
            "no event has the type \"$type\": it has letters, digits, _ and -, with single dots in between"
        }
        return handlers.add(type) { handler(it.withData(usherJson.decodeFromJsonElement(deserializer, it.data))) }
    }

    /** Handles events of this type, with their data as JSON. */
    public fun on(type: String, handler: suspend (Envelope) -> Unit): Subscription = handlers.add(type, handler)

    /** Handles every event. */
    public fun onAny(handler: suspend (Envelope) -> Unit): Subscription = handlers.add(null, handler)

    /**
     * Sends this device's playback position to the server, and through it to the user's other devices. While offline only the newest of a
     * show is kept. It is sent on reconnect, and the result waits for that. Fails with [UsherError]: the server's refusal, `timeout`,
     * `queue_full`, `payload_too_large`, `user_changed` or `closed`.
     */
    public fun heartbeat(beat: Beat): Deferred<BeatAnswer> = call { sendBeat(beat) }

    /**
     * Sends heartbeats by itself while [get] says `PLAYING`: first after a minute, then as often as the server wants. Closing the result
     * stops it. For the very last position call [heartbeat] with `PAUSED` or `ENDED`. [get] runs on the configuration's dispatcher; use
     * `withContext(Dispatchers.Main)` for a player that wants the main thread.
     */
    public fun playing(get: suspend () -> Beat): Subscription {
        val loop = HeartbeatLoop(
            scope, timers,
            HeartbeatLoopOptions(
                timerName = "heartbeat ${loops.incrementAndGet()}",
                getBeat = { withContext(config.dispatcher) { get() } },
                sendBeat = ::sendBeat,
                getIntervalSeconds = { client.heartbeatSeconds },
                onError = ::report,
            ),
        )
        scope.launch { loop.start() }
        return Subscription { scope.launch { loop.stop() } }
    }

    /** Tells the server that the app has acted on this event. Waits for the connection like [heartbeat]. */
    public fun applied(event: Event<*>): Deferred<Unit> = applied(event.id)

    /** Tells the server that a person has seen this event. Waits for the connection like [heartbeat]. */
    public fun seen(event: Event<*>): Deferred<Unit> = seen(event.id)

    /** The same by the event's id, e.g. of a push. */
    public fun applied(eventId: String): Deferred<Unit> = receipt(eventId, APPLIED)

    /** The same by the event's id, e.g. of a push that was tapped. */
    public fun seen(eventId: String): Deferred<Unit> = receipt(eventId, SEEN)

    /** The system reports that the network is back: the next attempt need not wait for long. */
    public fun networkAvailable() {
        scope.launch { client.retrySoon() }
    }

    /**
     * Disconnects for good and stops every timer. What was not sent yet fails with `closed`; a handler that runs is let finish, and no
     * further event is delivered, also not of the snapshot that is being delivered. To sign in another user, close and connect again.
     */
    public fun close() {
        if (isClosing.compareAndSet(false, true)) scope.launch { shutDown(UsherError("closed", "the client was closed", false)) }
    }

    private fun receipt(eventId: String, receiptState: String): Deferred<Unit> = call {
        val message = OutgoingMessage(listOf("receipt", receiptState, eventId), "receipt", Content.Receipts(receiptState, listOf(eventId)))
        send(message)
        Unit
    }

    private suspend fun sendBeat(beat: Beat): BeatAnswer {
        val complete = completeBeat(beat, config.profileId ?: "main", client.clock.nowMs())
        val nextSeconds = send(toMessage(complete))["nextSeconds"].numberOrNull
        client.inbox.addProgress(toProgress(complete, config.deviceId))
        return BeatAnswer(if (nextSeconds != null && isSeconds(nextSeconds)) nextSeconds else client.heartbeatSeconds)
    }

    private suspend fun send(message: OutgoingMessage): JsonObject {
        val response = CompletableDeferred<JsonObject>()
        client.outbox.send(message, response)
        return response.await()
    }

    /** Runs a call on the client's thread. One that nobody looks at must not end the app; others still see the failure. */
    private fun <T> call(block: suspend () -> T): Deferred<T> {
        val result = CompletableDeferred<T>()
        val running = scope.launch {
            try {
                result.complete(block())
            } catch (error: Throwable) {
                result.completeExceptionally(error)
            }
        }
        running.invokeOnCompletion { result.completeExceptionally(UsherError("closed", "the client was closed", false)) }
        return result
    }

    private fun shutDown(reason: UsherError) {
        isClosing.set(true)
        timers.stop()
        client.close(reason)
        handlers.close()
        transport.close()
        job.complete() // what still runs, such as a handler, is let finish
    }

    private fun clientHandlers() = object : ProtocolClientHandlers {
        override suspend fun handle(event: Envelope) = handlers.handle(event)

        override fun onCommitted(event: Envelope) = handlers.publish(event)

        override fun onChange() {
            currentState.value = toState(client.inbox.state, client.inbox.position, client.connection)
        }

        override fun onOffline(error: UsherError) {
            currentSignals.tryEmit(Signal.Offline(error))
        }

        override fun onRefused(error: UsherError) {
            shutDown(error)
            currentSignals.tryEmit(Signal.Refused(error))
        }

        override fun isClosing(): Boolean = isClosing.get()

        override fun onError(error: Throwable) = report(error)
    }

    /** A bug in the app must not disappear here. */
    private fun report(error: Throwable) {
        currentSignals.tryEmit(Signal.Failure(error))
        if (currentSignals.subscriptionCount.value == 0) System.err.println("Usher: ${error.stackTraceToString()}")
    }

    public companion object {
        /**
         * Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once. Handlers that [setUp] adds miss
         * nothing; the first connection is made after it.
         *
         * ```kotlin
         * val usher = Usher.connect(config) {
         *     on<StreamStop> { player.stop(it.data.streamId) }
         * }
         * ```
         */
        public fun connect(config: UsherConfig, setUp: Usher.() -> Unit = {}): Usher {
            val usher = Usher(config)
            usher.setUp()
            usher.scope.launch { usher.client.open() }
            return usher
        }
    }
}
