package dev.usher.client

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject

/**
 * An error from Usher or from this client.
 *
 * @property code stable and meant for programs. The client uses `timeout`, `offline`, `closed`, `superseded`, `user_changed`, `goaway`, `slow`,
 *   `storage`, `token_unavailable`, `handler_timeout`, `queue_full`, `payload_too_large` and `protocol`. All others come from the server
 *   (docs/CONTRACT.md, "Error codes").
 * @property retryable true if the same request may succeed later
 * @property retryAfterMs how long the server asks to wait before the next attempt, in ms
 */
public class UsherError(
    public val code: String,
    message: String,
    public val retryable: Boolean,
    public val retryAfterMs: Long? = null,
    cause: Throwable? = null,
) : Exception(message, cause) {
    override fun toString(): String = "UsherError($code: $message)"
}

/** Returns the server's `{ code, message, retryable, retryAfterMs? }` as an error, or null if [value] is not one. */
internal fun parseError(value: JsonElement?): UsherError? {
    if (value !is JsonObject) return null
    val code = value["code"].textOrNull ?: return null
    val retryable = value["retryable"].booleanOrNull != false // the client stops for good only if the server says so explicitly
    return UsherError(code, value["message"].textOrNull ?: code, retryable, value["retryAfterMs"].numberOrNull?.toLong())
}

/** Returns anything thrown as an [UsherError]; one that is none yet gets this code and is retryable. */
internal fun toUsherError(cause: Throwable, code: String): UsherError =
    cause as? UsherError ?: UsherError(code, cause.message ?: cause.javaClass.simpleName, true, cause = cause)
