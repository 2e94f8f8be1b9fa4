package dev.usher.client

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import kotlin.random.Random

private const val RUNS = 2_000

/** Properties of the codec, each tried with 2,000 random values. The seed is in the name of what fails. */
class PacketCodecTest {
    @Test
    fun `an event that is encoded is decoded as the same`() = forAll { random ->
        val name = randomText(random)
        val payload = randomJson(random, 4)
        val id = if (random.nextBoolean()) random.nextLong(0, 1_000_000_000) else null
        assertEquals(Packet.Frame(name, payload, id), PacketCodec.decode(PacketCodec.encodeFrame(name, payload, id)))
    }

    @Test
    fun `an acknowledgement that is encoded is decoded as the same`() = forAll { random ->
        val id = random.nextLong(0, 1_000_000_000)
        assertEquals(Packet.Ack(id, null), PacketCodec.decode(PacketCodec.encodeAck(id)))
    }

    @Test
    fun `no text makes the decoder throw`() = forAll { random ->
        val valid = PacketCodec.encodeFrame("note", randomJson(random, 3), random.nextLong(0, 99))
        val cut = valid.take(random.nextInt(valid.length + 1))
        val at = random.nextInt(valid.length)
        PacketCodec.decode(cut)
        PacketCodec.decode(valid.replaceRange(at, at + 1, random.nextInt(0x20, 0x3000).toChar().toString()))
        PacketCodec.decode("4" + random.nextInt(0, 10) + randomText(random))
        PacketCodec.decode(randomText(random))
    }

    @Test
    fun `an id that no server counts up to is refused`() {
        assertNull(PacketCodec.decode("42" + "9".repeat(400) + """["note",{}]"""))
    }

    @Test
    fun `JSON that is nested too deeply is handled without an overflow`() {
        val depth = 100_000
        PacketCodec.decode("42[\"note\"," + "[".repeat(depth) + "]".repeat(depth) + "]")
        PacketCodec.decode("42[\"note\"," + "[".repeat(depth))
    }

    private fun forAll(check: (Random) -> Unit) {
        for (seed in 0 until RUNS) try {
            check(Random(seed))
        } catch (error: Throwable) {
            throw AssertionError("seed $seed: ${error.message}", error)
        }
    }

    private fun randomText(random: Random): String = buildString {
        repeat(random.nextInt(12)) {
            append(if (random.nextInt(4) == 0) listOf("\"", "\\", "\n", "ü", "雨", "🌧", "[", "]", "{", "0").random(random) else ('a' + random.nextInt(26)))
        }
    }

    private fun randomJson(random: Random, depth: Int): JsonElement = when (random.nextInt(if (depth == 0) 4 else 6)) {
        0 -> JsonNull
        1 -> JsonPrimitive(random.nextBoolean())
        2 -> JsonPrimitive(random.nextLong(-1_000_000_000_000, 1_000_000_000_000))
        3 -> JsonPrimitive(randomText(random))
        4 -> JsonArray(List(random.nextInt(4)) { randomJson(random, depth - 1) })
        else -> JsonObject(List(random.nextInt(4)) { randomText(random) to randomJson(random, depth - 1) }.toMap())
    }
}
