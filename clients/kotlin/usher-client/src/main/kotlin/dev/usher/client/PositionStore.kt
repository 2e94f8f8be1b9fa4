package dev.usher.client

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import java.util.concurrent.ConcurrentHashMap

/**
 * Where positions are stored: DataStore, SharedPreferences, a file. A call that throws or takes longer than five seconds is reported as
 * `storage`, once per client. A read is tried again with backoff before the device connects, three times in all; then it connects as a
 * new device. A write that fails may make events repeat after a restart.
 */
public interface PositionStorage {
    /** Returns the text that was stored last under this name, or null. */
    public suspend fun get(name: String): String?

    /** Stores a text. Returns when it would survive the end of the app. */
    public suspend fun set(name: String, value: String)
}

/** Forgets everything when the app ends. An app that starts then hears nothing of what it missed, and has only the state. It gets every broadcast in force again. */
public class MemoryPositionStorage : PositionStorage {
    private val values = ConcurrentHashMap<String, String>()

    override suspend fun get(name: String): String? = values[name]

    override suspend fun set(name: String, value: String) {
        values[name] = value
    }
}

/** A storage that hangs must not hold up events for ever. */
private const val STORAGE_TIMEOUT_MS = 5_000L

/**
 * Stores how far this device has read, per server, user and device. The next user who signs in on the same device must not inherit a
 * position, or they would miss their own events.
 */
internal class PositionStore(private val storage: PositionStorage, private val url: String, private val deviceId: String) {
    /** Returns the user's position; null if there is none, or a text that is none. Throws [UsherError] `storage` if the storage fails. */
    suspend fun load(userId: String): StoredPosition? {
        val text = attempt("the position cannot be read") { storage.get(storageName(url, userId, deviceId)) } ?: return null
        return try {
            parseStoredPosition(usherJson.parseToJsonElement(text))
        } catch (_: SerializationException) {
            null // a wrong position is worse than none
        }
    }

    /** Throws [UsherError] `storage` if the storage fails. Events may then repeat after a restart, which is better than losing them. */
    suspend fun save(userId: String, stored: StoredPosition) {
        val value = buildJsonObject {
            put("epoch", JsonPrimitive(stored.position.epoch))
            put("offset", JsonPrimitive(stored.position.offset))
            stored.broadcast?.let { put("broadcast", JsonPrimitive(it)) }
        }
        attempt("the position cannot be stored; events may be received again after a restart") {
            storage.set(storageName(url, userId, deviceId), value.toString())
        }
    }

    private suspend fun <T> attempt(failure: String, call: suspend () -> T): T = try {
        withTimeout(STORAGE_TIMEOUT_MS) { call() }
    } catch (error: TimeoutCancellationException) {
        throw UsherError("storage", failure, true, cause = error)
    } catch (error: CancellationException) {
        currentCoroutineContext().ensureActive() // else it is the storage's own: a scope of the app has ended
        throw UsherError("storage", failure, true, cause = error)
    } catch (error: Exception) {
        throw UsherError("storage", failure, true, cause = error)
    }
}

/** User ids may contain the separator. Unescaped, user `a:b` on device `c` would share a name with user `a` on device `b:c`. */
internal fun storageName(url: String, userId: String, deviceId: String): String =
    listOf("usher", "position", url, userId, deviceId).joinToString(":", transform = ::encodeUriComponent)

private const val UNESCAPED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"

/** The same as JavaScript's `encodeURIComponent`. */
private fun encodeUriComponent(text: String): String = buildString {
    for (byte in text.toByteArray(Charsets.UTF_8)) {
        val char = (byte.toInt() and 0xff).toChar()
        if (char in UNESCAPED) append(char) else append('%').append("0123456789ABCDEF"[char.code shr 4]).append("0123456789ABCDEF"[char.code and 15])
    }
}
