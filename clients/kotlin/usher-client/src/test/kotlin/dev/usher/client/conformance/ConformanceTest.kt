package dev.usher.client.conformance

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.File

/** The folder with scenarios and vectors for every client. */
val conformanceDir: File = File(System.getProperty("usher.conformance", "../../conformance"))

/** The Kotlin client does what every client does (clients/conformance/README.md). */
class ConformanceTest {
    @TestFactory
    fun scenarios(): List<DynamicTest> {
        val files = checkNotNull(File(conformanceDir, "scenarios").listFiles { file -> file.extension == "json" }).sorted()
        val scenarios = files.flatMap { Json.parseToJsonElement(it.readText()).jsonArray }.map { it.jsonObject }
        check(scenarios.isNotEmpty())
        return scenarios.map { scenario ->
            val id = scenario.text("id")
            DynamicTest.dynamicTest("$id: ${scenario.text("promise")}") {
                println("conformance $id")
                Runner(scenario).run()
            }
        }
    }

    @Test
    fun `what the runner does not know fails - a step, its arguments and values, a beginning, an end`() {
        fun run(step: String? = null, more: String = """"given":{},"end":{}""") {
            val steps = listOfNotNull("""{"expect":"dial"}""", step)
            Runner(Json.parseToJsonElement("""{"id":"x","promise":"x","steps":$steps,$more}""").jsonObject).run()
        }
        run()
        val unknown = listOf<Pair<String, () -> Unit>>(
            "unknown step" to { run("""{"sing":true}""") },
            "unknown in step: [loudly]" to { run("""{"expect":"nothing","loudly":true}""") },
            "unknown expectation applause" to { run("""{"expect":"applause"}""") },
            "unknown call" to { run("""{"call":"sing"}""") },
            "unknown value slow" to { run("""{"storage":"slow"}""") },
            "unknown value sings" to { run("""{"handler":"sings"}""") },
            "unknown in end: [mood]" to { run(more = """"end":{"mood":"good"}""") },
            "unknown in given: [luck]" to { run(more = """"given":{"luck":1},"end":{}""") },
        )
        for ((message, act) in unknown) {
            val error = assertThrows(Throwable::class.java) { act() }
            assertTrue(message in error.message.orEmpty(), "${error.message} instead of $message")
        }
    }
}
