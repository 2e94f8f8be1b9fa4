package dev.usher.client

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import java.util.concurrent.ConcurrentHashMap

/** Where positions are stored: DataStore, SharedPreferences, a file. A call that throws is reported once as `storage`. */
public interface PositionStorage {
    /** Returns the text that was stored last under this name, or null. */
    public suspend fun get(name: String): String?

    /** Stores a text. Returns when it would survive the end of the app. */
    public suspend fun set(name: String, value: String)
}

/** Forgets everything when the app ends. An app that starts then hears nothing of what it missed, and has only the state. */
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
    /** Returns the user's position. Null if there is none or it cannot be read: a wrong position is worse than none. */
    suspend fun load(userId: String): Position? = attempt {
        storage.get(storageName(url, userId, deviceId))?.let { parsePosition(usherJson.parseToJsonElement(it)) }
    }

    /** Returns false if the storage fails. Events may then repeat after a restart, which is better than losing them. */
    suspend fun save(userId: String, position: Position): Boolean = attempt {
        val value = buildJsonObject {
            put("epoch", JsonPrimitive(position.epoch))
            put("offset", JsonPrimitive(position.offset))
        }
        storage.set(storageName(url, userId, deviceId), value.toString())
        true
    } ?: false

    private suspend fun <T> attempt(block: suspend () -> T?): T? = try {
        withTimeout(STORAGE_TIMEOUT_MS) { block() }
    } catch (error: CancellationException) {
        if (error is kotlinx.coroutines.TimeoutCancellationException) null else throw error
    } catch (_: Exception) {
        null
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
