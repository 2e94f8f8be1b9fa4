import Foundation
import XCTest

@testable import UsherClient

final class SystemClockTests: XCTestCase {
    func testItWaitsAsLongAsItIsToldOnTheClockThatNeverJumps() async throws {
        let clock = SystemClock()
        let before = clock.elapsedMs
        try await clock.sleep(ms: 20)
        XCTAssertGreaterThanOrEqual(clock.elapsedMs - before, 19) // two times that are cut to whole ms
        try await clock.sleep(ms: -1)
        XCTAssertEqual(Double(clock.wallMs) / 1_000, Date().timeIntervalSince1970, accuracy: 5)
    }

    func testATimeThatNoTimerCanHoldIsADayAndItsWaitCanBeCancelled() async throws {
        let waiting = Task { try await SystemClock().sleep(ms: .max) }
        waiting.cancel()
        let result = await waiting.result
        XCTAssertThrowsError(try result.get()) { XCTAssertTrue($0 is CancellationError) }
        XCTAssertEqual(milliseconds(.infinity), 86_400_000)
        XCTAssertEqual(milliseconds(-1), 0)
        XCTAssertEqual(milliseconds(1.5), 1_500)
    }
}
