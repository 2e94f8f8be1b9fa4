import XCTest

@testable import UsherClient

/// The Swift client does what every client does (clients/conformance/README.md).
final class ConformanceTests: XCTestCase {
    func testEveryScenario() throws {
        for (_, scenarios) in try readConformance("scenarios") {
            for scenario in scenarios.elements {
                print("conformance scenario \(scenario.string("id"))")
                VirtualTime.run { time in
                    do {
                        try Runner(scenario, time).run()
                    } catch {
                        XCTFail("\(scenario.string("id")) (\(scenario.string("promise"))): \(error)")
                    }
                }
            }
        }
    }
}

/// What a runner does not know is not passed over.
final class RunnerTests: XCTestCase {
    func testAnUnknownStepArgumentValueBeginningOrEndFails() throws {
        XCTAssertNil(problem(with: ["end": [:]]))
        let step = { (step: JSONValue) -> JSONValue in ["steps": [["expect": "dial"], step]] }
        let unknown: [(String, JSONValue)] = [
            ("unknown step", step(["sing": true])),
            ("unknown in step", step(["expect": "nothing", "loudly": true])),
            ("unknown expectation", step(["expect": "applause"])),
            ("unknown call", step(["call": "sing"])),
            (#"unknown: "slow""#, step(["storage": "slow"])),
            (#"unknown: "sings""#, step(["handler": "sings"])),
            ("unknown in end", ["end": ["mood": "good"]]),
            ("unknown in given", ["given": ["luck": 1]]),
            ("unknown in scenario", ["mood": "good"]),
        ]
        for (expected, parts) in unknown {
            let problem = problem(with: parts)
            XCTAssertTrue(problem?.contains(expected) == true, "\(problem ?? "nothing") instead of \(expected)")
        }
    }

    /// Returns what is wrong with a scenario that dials, and has these parts.
    private func problem(with parts: JSONValue) -> String? {
        let scenario: JSONValue = ["id": "x", "promise": "x", "steps": [["expect": "dial"]], "end": [:]]
        var problem: String?
        VirtualTime.run { time in
            do { try Runner(scenario.with(parts), time).run() } catch { problem = "\(error)" }
        }
        return problem
    }
}
