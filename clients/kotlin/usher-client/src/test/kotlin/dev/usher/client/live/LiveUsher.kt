package dev.usher.client.live

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import java.net.InetSocketAddress
import java.net.URI
import java.util.Base64
import java.util.concurrent.TimeUnit
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** The development Usher of `USHER_URL`, as a back office and a sign-in see it. */
class LiveUsher(private val url: String, private val serviceKey: String, private val jwtSecret: String) {
    private val http = OkHttpClient.Builder().callTimeout(10, TimeUnit.SECONDS).build()

    val address: InetSocketAddress = URI.create(url).let { InetSocketAddress(it.host, it.port) }

    /** Returns a user token that lives for so many seconds. */
    fun token(userId: String, seconds: Long = 3_600): String {
        val now = System.currentTimeMillis() / 1_000
        val encoder = Base64.getUrlEncoder().withoutPadding()
        val signed = listOf("""{"alg":"HS256","typ":"JWT"}""", """{"sub":"$userId","aud":"usher","iat":$now,"exp":${now + seconds}}""")
            .joinToString(".") { encoder.encodeToString(it.toByteArray()) }
        val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(jwtSecret.toByteArray(), "HmacSHA256")) }
        return "$signed.${encoder.encodeToString(mac.doFinal(signed.toByteArray()))}"
    }

    /** Publishes events of type `note` with up to 1,000 such numbers in one call, each with a key of its own unless one is given. */
    fun publish(userId: String, numbers: IntRange, key: String? = null, deviceId: String? = null) {
        val target = if (deviceId == null) "" else ""","deviceId":"$deviceId""""
        val events = numbers.map { n ->
            """{"userId":"$userId","type":"note","tier":"important","key":"${key ?: "note:$n"}","data":{"n":$n}$target}"""
        }
        val request = Request.Builder().url("$url/v1/events").header("Authorization", "Bearer $serviceKey")
            .post("""{"events":$events}""".toRequestBody("application/json".toMediaType())).build()
        http.newCall(request).execute().use { check(it.code == 202) { "publishing was refused with HTTP ${it.code}" } }
    }

    /** Returns the response of `GET /v1/me/state`. */
    fun getState(userId: String): JsonObject {
        val request = Request.Builder().url("$url/v1/me/state").header("Authorization", "Bearer ${token(userId)}").build()
        return http.newCall(request).execute().use { Json.parseToJsonElement(it.body!!.string()).jsonObject }
    }

    fun close() {
        http.dispatcher.executorService.shutdown()
        http.connectionPool.evictAll()
    }

    companion object {
        fun fromEnvironment(): LiveUsher? {
            val url = System.getenv("USHER_URL") ?: return null
            return LiveUsher(url, System.getenv("USHER_SERVICE_KEY") ?: return null, System.getenv("USHER_JWT_SECRET") ?: return null)
        }
    }
}
