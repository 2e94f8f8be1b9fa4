package dev.usher.client

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject

/** The payload of a message. */
internal sealed interface Content {
    data class Whole(val payload: JsonObject) : Content

    /** Receipts for events. Those of one state can be sent as one message. */
    data class Receipts(val state: String, val ids: List<String>) : Content {
        /** Of the ids as JSON, in UTF-8, each with a comma. */
        val byteCount: Int get() = ids.sumOf { utf8Length(JsonPrimitive(it).toString()) + 1 }
    }
}

/**
 * A message to the server.
 * @property coalesceKey of the queued messages with the same key only the one with the greatest [order] is sent
 */
internal data class OutgoingMessage(val coalesceKey: List<String?>, val name: String, val content: Content, val order: Long = 0)

/**
 * At most this many messages are sent in a window of a second, which leaves the server's limit (20 a second with bursts of 100;
 * docs/CONTRACT.md, "The device socket") room for syncs and token renewals.
 */
private const val MAX_MESSAGES_PER_WINDOW = 20
private const val WINDOW_MS = 1_000L
private const val MAX_QUEUED = 1_000

/** A message that was refused as `rate_limited` this often is sent once more, and then fails. */
private const val MAX_REFUSALS = 5
private const val DEFAULT_PAUSE_MS = 1_000L
private const val MAX_IDS = 100

/** The ids of one message have at most so many bytes, which leaves room in its 16 KiB for the rest. */
private const val MAX_IDS_BYTES = MAX_FRAME_BYTES - 128

/**
 * Sends messages at a pace that the server accepts, and queues them meanwhile and while offline. Whoever sent a message that was
 * replaced by a newer one of the same key gets the newer one's response. A message that was in flight when the connection ended is
 * sent again. That is harmless: the server orders beats by their `at`, and receipts only move forward.
 */
internal class Outbox(
    private val scope: CoroutineScope,
    private val timers: Timers,
    private val isLive: () -> Boolean,
    private val request: suspend (name: String, payload: JsonObject) -> JsonObject,
) {
    private data class Queued(
        val message: OutgoingMessage,
        val callers: List<CompletableDeferred<JsonObject>>,
        /** Grows from message to message. */
        val number: Long,
        val refusals: Int = 0,
        /** Refused together with others: nobody knew which of them was wrong. */
        val isAlone: Boolean = false,
    )

    private val queue = LinkedHashMap<List<String?>, Queued>()
    private var closeReason: UsherError? = null
    private var lastNumber = 0L
    private var userGeneration = 0
    private var sentInWindow = 0
    private var isPaused = false

    /**
     * [response] gets the server's response, however long the device is offline. It fails with the server's refusal, `timeout`, the close
     * reason, or `queue_full` if too many newer messages were sent meanwhile.
     */
    fun send(message: OutgoingMessage, response: CompletableDeferred<JsonObject>) {
        enqueue(Queued(message, listOf(response), ++lastNumber))
        flush()
    }

    /** Sends what is queued: now what the pace allows, and the rest later. */
    fun flush() {
        while (isLive() && !isPaused && sentInWindow < MAX_MESSAGES_PER_WINDOW) {
            val first = queue.values.firstOrNull() ?: return
            if (sentInWindow++ == 0) timers.set("outbox", WINDOW_MS) { openWindow() }
            val batch = takeBatch(first)
            val generation = userGeneration
            scope.launch { transmit(batch, generation) }
        }
    }

    /** Fails everything that is queued, and what is in flight unless it is acknowledged on this connection. */
    fun discard(reason: UsherError) {
        userGeneration++
        val messages = queue.values.toList()
        queue.clear()
        messages.forEach { it.fail(reason) }
    }

    /** Fails everything that is queued, in flight, or sent from now on. */
    fun close(reason: UsherError) {
        closeReason = reason
        discard(reason)
    }

    private fun openWindow() {
        sentInWindow = 0
        flush()
    }

    /** Takes the first message from the queue, and those that can be sent together with it. */
    private fun takeBatch(first: Queued): List<Queued> {
        queue.remove(first.message.coalesceKey)
        val receipts = first.message.content as? Content.Receipts ?: return listOf(first)
        if (first.isAlone) return listOf(first)
        val batch = mutableListOf(first)
        var count = receipts.ids.size
        var bytes = receipts.byteCount
        for (other in queue.values.toList()) {
            val more = other.message.content as? Content.Receipts ?: continue
            if (other.isAlone || more.state != receipts.state) continue
            count += more.ids.size
            bytes += more.byteCount
            if (count > MAX_IDS || bytes > MAX_IDS_BYTES) break
            batch += other
            queue.remove(other.message.coalesceKey)
        }
        return batch
    }

    private suspend fun transmit(batch: List<Queued>, generation: Int) {
        try {
            val response = request(batch.first().message.name, toPayload(batch.map { it.message.content }))
            for (each in batch) each.callers.forEach { it.complete(response) }
        } catch (error: UsherError) {
            handleFailure(batch, generation, error)
        }
    }

    private fun handleFailure(batch: List<Queued>, generation: Int, error: UsherError) {
        val reason = closeReason
        when {
            reason != null -> batch.forEach { it.fail(reason) }
            generation != userGeneration -> batch.forEach { it.fail(userChanged()) }
            error.code == "offline" -> requeue(batch)
            error.code == "rate_limited" -> handleRateLimit(batch, error)
            !error.retryable && batch.size > 1 -> {
                requeue(batch.map { it.copy(isAlone = true) })
                flush()
            }
            else -> batch.forEach { it.fail(error) }
        }
    }

    private fun handleRateLimit(batch: List<Queued>, error: UsherError) {
        val (again, failed) = batch.partition { it.refusals < MAX_REFUSALS }
        failed.forEach { it.fail(error) }
        requeue(again.map { it.copy(refusals = it.refusals + 1) })
        isPaused = true
        timers.set("outbox pause", (error.retryAfterMs ?: DEFAULT_PAUSE_MS).coerceIn(0, MAX_RETRY_AFTER_MS)) {
            isPaused = false
            flush()
        }
    }

    /** Puts messages back where they were, unless a newer one of the same key waits: then their callers wait for that. */
    private fun requeue(batch: List<Queued>) {
        val all = (batch + queue.values).sortedBy { it.number }
        queue.clear()
        all.forEach(::enqueue)
    }

    private fun enqueue(added: Queued) {
        closeReason?.let { return added.fail(it) }
        val key = added.message.coalesceKey
        val known = queue[key]
        if (known == null) queue[key] = added
        else {
            val newest = if (known.message.order > added.message.order) known else added
            queue[key] = newest.copy(callers = known.callers + added.callers, number = known.number)
        }
        if (queue.size > MAX_QUEUED) queue.remove(queue.keys.first())?.fail(UsherError("queue_full", "too many newer messages wait", true))
    }

    private fun Queued.fail(error: UsherError): Unit = callers.forEach { it.completeExceptionally(error) }
}

internal fun userChanged(): UsherError = UsherError("user_changed", "another user signed in before this was sent", false)

/** Returns the payload of one message, or of receipts of one state that are sent as one. */
private fun toPayload(contents: List<Content>): JsonObject = when (val first = contents.first()) {
    is Content.Whole -> first.payload
    is Content.Receipts -> buildJsonObject {
        put("ids", JsonArray(contents.filterIsInstance<Content.Receipts>().flatMap { it.ids }.map(::JsonPrimitive)))
        put("state", JsonPrimitive(first.state))
    }
}
