package dev.usher.client.room

import dev.usher.client.Beat
import dev.usher.client.Connection
import dev.usher.client.MemoryPositionStorage
import dev.usher.client.PlaybackState
import dev.usher.client.Signal
import dev.usher.client.Usher
import dev.usher.client.UsherConfig
import dev.usher.client.UsherError
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArrayBuilder
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import okhttp3.OkHttpClient
import okhttp3.Request
import java.util.concurrent.TimeUnit
import kotlin.system.exitProcess

/** The Kotlin client as a device of `npm run test:room`: orders on the standard input, lines on the standard output (tools/room/programs.mjs). */
fun main() {
    val device = RoomDevice()
    say { put("ready", true) }
    for (line in generateSequence(::readLine)) device.obey(Json.parseToJsonElement(line).jsonObject)
    device.close()
    exitProcess(0)
}

private fun environment(name: String): String = checkNotNull(System.getenv(name)) { "$name is not set" }

private fun say(fields: JsonObjectBuilder.() -> Unit): Unit = synchronized(System.out) { println(buildJsonObject(fields)) }

private class RoomDevice {
    private val storage = MemoryPositionStorage()
    private val http = OkHttpClient.Builder().callTimeout(5, TimeUnit.SECONDS).build()
    private val scope = CoroutineScope(Dispatchers.Default)
    private val isQuiet = System.getenv("ROOM_QUIET") == "1"
    private var watching: Job? = null
    private var client: Usher? = null
    private var user = ""

    fun obey(order: JsonObject) {
        when (val name = order.getValue("do").jsonPrimitive.content) {
            "sign-in" -> signIn(order.getValue("user").jsonPrimitive.content)
            "beat" -> beat(order.getValue("show").jsonPrimitive.content, order.getValue("position").jsonPrimitive.double)
            "report" -> report()
            else -> error("no such order: $name")
        }
    }

    fun close() {
        client?.close()
        runBlocking { watching?.cancelAndJoin() }
    }

    private fun signIn(next: String) {
        close()
        user = next
        val config = UsherConfig(
            environment("ROOM_URL"), { fetchToken(next) }, environment("ROOM_DEVICE"), "android", storage = storage,
        )
        client = Usher.connect(config) {
            if (!isQuiet) on("note") { event ->
                val n = event.data.jsonObject.getValue("n").jsonPrimitive
                say {
                    put("user", next)
                    putJsonObject("heard") {
                        put("offset", event.offset)
                        put("n", n)
                    }
                }
            }
            watching = watch(next)
        }
    }

    private fun Usher.watch(user: String): Job = scope.launch {
        launch {
            state.map { it.connection }.distinctUntilChanged().collect { connection -> sayConnection(user, connection) }
        }
        signals.collect { signal ->
            if (signal is Signal.Refused) say { put("user", user); put("refused", signal.error.code) }
            if (signal is Signal.Failure) say { put("user", user); put("failure", codeOf(signal.error)) }
        }
    }

    private fun sayConnection(user: String, connection: Connection) = say {
        put("user", user)
        put("connection", connection.name.lowercase())
    }

    private fun codeOf(error: Throwable): String = (error as? UsherError)?.code ?: error.toString()

    private suspend fun fetchToken(user: String): String = withContext(Dispatchers.IO) {
        val request = Request.Builder().url("${environment("ROOM_TOKENS")}?user=$user").build()
        http.newCall(request).execute().use { checkNotNull(it.body).string() }
    }

    private fun beat(show: String, position: Double) {
        val sent = checkNotNull(client).heartbeat(Beat(show, position, 3_000.0, PlaybackState.PAUSED))
        val user = user
        scope.launch {
            runCatching { sent.await() }.onFailure { say { put("user", user); put("failure", "beat: ${codeOf(it)}") } }
        }
    }

    private fun report() {
        val state = checkNotNull(client).state.value
        say {
            putJsonObject("report") {
                put("user", user)
                put("connection", state.connection.name.lowercase())
                putJsonObject("position") {
                    put("epoch", state.position?.epoch)
                    put("offset", state.position?.offset)
                }
                putJsonArray("entries") { state.entries.forEach { add(it.offset) } }
                put("membership", state.membership?.version)
                putJsonArray("playback") { state.playback.forEach { addShow(it.showId, it.positionSeconds) } }
            }
        }
    }

    private fun JsonArrayBuilder.addShow(show: String, position: Double) {
        addJsonArray {
            add(show)
            add(position)
        }
    }
}
