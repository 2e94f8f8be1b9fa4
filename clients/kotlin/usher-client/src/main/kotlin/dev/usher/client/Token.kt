package dev.usher.client

/**
 * Returns the user id in a token without verifying it, or null if the token cannot be read. It only selects the stored position,
 * before the server has said who the user is.
 */
internal fun readTokenSubject(token: String): String? {
    val claims = decodeBase64Url(token.split('.').getOrNull(1) ?: return null) ?: return null
    return try {
        usherJson.parseToJsonElement(String(claims, Charsets.UTF_8)).objectOrNull?.get("sub").textOrNull
    } catch (_: kotlinx.serialization.SerializationException) {
        null
    }
}

/** `java.util.Base64` needs Android 26, and `android.util.Base64` is not there on other JVMs. */
@OptIn(kotlin.io.encoding.ExperimentalEncodingApi::class)
private fun decodeBase64Url(text: String): ByteArray? = try {
    kotlin.io.encoding.Base64.UrlSafe.withPadding(kotlin.io.encoding.Base64.PaddingOption.PRESENT_OPTIONAL).decode(text)
} catch (_: IllegalArgumentException) {
    null
}

/** True if a new token may solve this error. */
internal fun isTokenError(error: UsherError): Boolean =
    error.code.startsWith("token_") || error.code == "unauthorized" || error.code == "unauthenticated"
