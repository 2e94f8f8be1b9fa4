package dev.usher.client

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import java.net.URI
import kotlin.random.Random

/** Fetches a user token. */
public fun interface TokenProvider {
    /**
     * Called for every connection, before the token expires, and once more when a token was refused. May throw: the client tries again
     * with backoff.
     */
    public suspend fun getToken(): String
}

/**
 * The options of [Usher.connect].
 *
 * @property url where Usher is, e.g. `https://usher.example.com`. A path is kept (`https://example.com/usher`).
 * @property token fetches the user's token. With [fixedToken] the client closes when that token is no longer valid.
 * @property deviceId identifies this installation of the app. Choose it once and keep it.
 * @property platform `ios`, `android`, `web` or `tv`
 * @property profileId the person within the account; null: the server's default, `main`
 * @property storage where the position is stored. The default forgets it when the app ends, and broadcasts in force come again with each start.
 * @property transport null: WebSockets by an `OkHttpClient` of the client's own. Pass `OkHttpTransport(yourClient)` to share yours.
 * @property dispatcher where handlers and the token provider run
 * @property handlerTimeoutMs after this time a handler is cancelled, and its event counts as handled
 * @property clock for tests
 * @property random returns a number from 0 up to but not including 1; for tests
 * @throws IllegalArgumentException if [url] is no `http` or `https` address
 */
public class UsherConfig(
    url: String,
    public val token: TokenProvider,
    public val deviceId: String,
    public val platform: String,
    public val appVersion: String? = null,
    public val profileId: String? = null,
    public val storage: PositionStorage = MemoryPositionStorage(),
    public val transport: Transport? = null,
    public val dispatcher: CoroutineDispatcher = Dispatchers.Default,
    public val handlerTimeoutMs: Long = 60_000,
    public val clock: Clock = Clock.System,
    public val random: () -> Double = { Random.nextDouble() },
) {
    public val url: String = normalizeUrl(url)

    internal val isTokenRenewable: Boolean get() = token !is FixedToken

    public companion object {
        /** A token that cannot be renewed, e.g. in a test or a script. */
        public fun fixedToken(token: String): TokenProvider = FixedToken(token)
    }
}

private class FixedToken(private val token: String) : TokenProvider {
    override suspend fun getToken(): String = token
}

/** Returns the address as browsers write it, since it is part of the name under which the position is stored. */
internal fun normalizeUrl(url: String): String {
    val uri = URI.create(url)
    val scheme = uri.scheme?.lowercase()
    require((scheme == "http" || scheme == "https") && uri.host != null) { "not an http or https address: $url" }
    val defaultPort = if (scheme == "https") 443 else 80
    val port = if (uri.port == -1 || uri.port == defaultPort) "" else ":${uri.port}"
    return "$scheme://${uri.host.lowercase()}$port${uri.rawPath.orEmpty()}".trimEnd('/')
}
