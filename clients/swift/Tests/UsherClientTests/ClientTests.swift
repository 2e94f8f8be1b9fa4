import Foundation
import XCTest

@testable import UsherClient

private let beat = Beat(showId: "dark", positionSeconds: 60, durationSeconds: 3_000, state: .playing)

final class ClientTests: XCTestCase {
    func testTheStateGoesFromOfflineOverConnectingAndLiveToClosed() throws {
        try VirtualTime.run { time in
            let seen = Recorder<UsherState.Connection>()
            let rig = try Rig(time) { usher in
                let states = usher.states
                Task {
                    for await state in states where seen.all.last != state.connection { seen.all.append(state.connection) }
                    seen.all.append(.closed)
                }
                time.settle()
            }
            try rig.goLive()
            XCTAssertEqual(rig.client.state.connection, .live)
            rig.client.close()
            time.settle()
            XCTAssertEqual(seen.all, [.offline, .connecting, .live, .closed, .closed])
            XCTAssertEqual(rig.client.state.connection, .closed)
        }
    }

    func testAClosedClientLeavesNoTimerBehindWhateverItWasDoing() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            _ = rig.client.playing { beat }
            rig.client.heartbeat(beat)
            try rig.event(["offset": 5]) // a gap: a sync is under way
            XCTAssertTrue(time.hasAlarms)
            rig.client.close()
            time.settle()
            XCTAssertTrue(rig.socket.isClosedByClient)
            XCTAssertFalse(time.hasAlarms)
        }
    }

    func testAClientThatNobodyHoldsClosesItselfAndIsFreed() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time) { $0.on("note") { _ in } }
            try rig.goLive()
            _ = rig.client.playing { beat }
            weak var client = rig.client
            rig.dropClient()
            time.settle()
            XCTAssertNil(client)
            XCTAssertTrue(rig.socket.isClosedByClient)
            XCTAssertFalse(time.hasAlarms)
            XCTAssertEqual(rig.signals, [])
        }
    }

    func testAClientThatWasClosedIsFreedWithEverythingThatItMade() throws {
        try VirtualTime.run { time in
            let handled = Handled()
            weak var weakly = handled
            var rig: Rig? = try Rig(time) { [handled] usher in usher.on("note") { _ in handled.count() } }
            try rig?.goLive()
            rig?.client.close()
            time.settle()
            rig = nil
            time.settle()
            _ = consume handled
            XCTAssertNil(weakly)
        }
    }

    private final class Handled: Sendable {
        func count() {}
    }

    func testACallAfterCloseFailsAsClosed() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            rig.client.close()
            rig.client.close()
            let (sent, seen) = (outcome(of: rig.client.heartbeat(beat)), outcome(of: rig.client.seen(eventId: "e-1")))
            time.settle()
            XCTAssertEqual(sent.all + seen.all, ["closed", "closed"])
        }
    }

    func testCancellingACallGivesUpWaitingAndNotTheMessage() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            let call = rig.client.heartbeat(beat)
            let result = outcome(of: call)
            time.settle()
            XCTAssertEqual(result.all, [])
            call.cancel()
            time.settle()
            XCTAssertEqual(result.all, ["CancellationError"])
            try rig.goLive()
            XCTAssertEqual(rig.socket.sent.map(\.name), ["playback.heartbeat"])
        }
    }

    func testOfAHeartbeatThatWasUnderWayWhenTheLineWasCutAndANewerOneOnlyTheNewerIsSentAgainForBothCallers() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            let first = outcome(of: rig.client.heartbeat(beat))
            time.settle()
            XCTAssertEqual(rig.socket.sent.count, 1)
            try rig.socket.cut()
            let other = outcome(of: rig.client.heartbeat(Beat(showId: "cars", positionSeconds: 5, durationSeconds: 10, state: .paused)))
            let second = outcome(of: rig.client.heartbeat(Beat(showId: "dark", positionSeconds: 61, durationSeconds: 3_000, state: .paused)))
            time.advance(ms: 500)
            try rig.resume(offset: 0)
            XCTAssertEqual(rig.socket.sent.map { $0.payload["positionSeconds"] }, [61, 5])
            try rig.reply(["ok": true, "nextSeconds": 60])
            XCTAssertEqual(first.all + second.all + other.all, ["ok", "ok"])
            try rig.reply(["ok": true, "nextSeconds": 60])
            XCTAssertEqual(other.all, ["ok"])
        }
    }

    func testCallsAreMadeInTheirOrderWhateverTheirPriority() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            for (n, priority) in [TaskPriority.background, .high, .low, .medium].enumerated() {
                Task(priority: priority) { rig.client.heartbeat(Beat(showId: "\(n)", positionSeconds: 0, durationSeconds: 0, state: .paused)) }
            }
            time.settle()
            XCTAssertEqual(rig.socket.sent.map { $0.payload.string("showId") }, ["0", "1", "2", "3"])
        }
    }

    func testPlayingSendsItsFirstHeartbeatAfterAMinuteThenAsTheServerWantsAndAPauseOnce() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            let current = Locked(beat)
            let playing = rig.client.playing { current.withLock { $0 } }
            time.advance(ms: 59_999)
            XCTAssertEqual(rig.socket.sent.count, 0)
            time.advance(ms: 1)
            try rig.reply(["ok": true, "nextSeconds": 120])
            time.advance(ms: 119_999)
            XCTAssertEqual(rig.socket.sent.count, 0)
            time.advance(ms: 1)
            try rig.reply(["ok": true, "nextSeconds": 120])
            current.withLock { $0.state = .paused }
            time.advance(ms: 120_000)
            XCTAssertEqual(rig.socket.sent.map { $0.payload.string("state") }, ["paused"])
            try rig.reply(["ok": true, "nextSeconds": 120])
            time.advance(ms: 360_000)
            XCTAssertEqual(rig.socket.sent.count, 0)
            current.withLock { $0.state = .playing }
            playing.cancel()
            playing.cancel()
            time.advance(ms: 360_000)
            XCTAssertEqual(rig.socket.sent.count, 0)
        }
    }

    func testAPlayerThatThrowsOrHangsIsReportedOrSkippedAndDoesNotEndItsHeartbeats() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            let (mode, gate) = (Locked("throws"), Gate())
            _ = rig.client.playing {
                switch mode.withLock({ $0 }) {
                case "throws": throw World.AppError()
                case "hangs": await gate.wait()
                default: break
                }
                return beat
            }
            time.advance(ms: 60_000)
            XCTAssertEqual(rig.signals, ["failure app"])
            mode.withLock { $0 = "hangs" }
            time.advance(ms: 60_000)
            mode.withLock { $0 = "works" }
            time.advance(ms: 60_000)
            XCTAssertEqual(rig.socket.sent.map(\.name), ["playback.heartbeat"])
            XCTAssertEqual(rig.signals, ["failure app"])
            gate.open()
        }
    }

    func testAHeartbeatThatIsUnderWayWhenTheClientIsClosedIsNoFailureOfTheApp() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            _ = rig.client.playing { beat }
            time.advance(ms: 60_000)
            XCTAssertEqual(rig.socket.sent.count, 1)
            rig.client.close()
            time.settle()
            XCTAssertEqual(rig.signals, [])
        }
    }

    func testAHeartbeatCarriesTheServersTimeHoweverWrongTheDevicesClockIs() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive(["serverTime": "2026-06-01T12:00:00.000Z"])
            time.advance(ms: 1_500)
            rig.client.heartbeat(beat)
            time.settle()
            XCTAssertEqual(rig.socket.sent.first?.payload["at"], "2026-06-01T12:00:01.500Z")
            XCTAssertEqual(rig.socket.sent.first?.payload["positionSeconds"], 60)
        }
    }

    func testAStorageThatHangsHoldsUpAnEventForFiveSecondsAtMostAndIsReportedOnce() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time, positions: HangingPositions(gate: gate))
            try rig.goLive()
            time.advance(ms: 5_000)
            XCTAssertEqual(rig.signals, ["failure storage"])
            try rig.event(["offset": 1])
            time.advance(ms: 4_999)
            XCTAssertEqual(rig.log, [])
            time.advance(ms: 1)
            XCTAssertEqual(rig.log, ["acked 1"])
            XCTAssertEqual(rig.signals, ["failure storage"])
            gate.open()
        }
    }

    private struct HangingPositions: PositionStore {
        let gate: Gate

        func text(named name: String) -> String? { nil }
        func store(_ text: String, named name: String) async { await gate.wait() }
    }

    func testAStoredPositionIsReadAgainWhenTheAttemptThatReadItWasGivenUp() throws {
        try VirtualTime.run { time in
            let (reads, heard, isTokenSlow) = (Locked(0), Recorder<Int?>(), Locked(true))
            let given = Rig.Given(
                beforeToken: { if isTokenSlow.withLock({ $0 }) { try await time.sleep(ms: 17_000) } },
                readStored: {
                    let n = reads.withLock { reads in
                        reads += 1
                        return reads
                    }
                    if n == 1 { try await time.sleep(ms: 4_000) }
                    return positionText(4)
                }
            )
            let rig = try Rig(time, given: given) { $0.on("note") { heard.all.append($0.offset) } }
            time.advance(ms: 20_000) // the token took 17 s of the 20 that an attempt has, and the storage takes longer than the rest
            isTokenSlow.withLock { $0 = false }
            time.advance(ms: 1_000)
            try rig.goLive(offset: 6, entries: [["offset": 4], ["offset": 5], ["offset": 6]])
            XCTAssertEqual(reads.withLock { $0 }, 2)
            XCTAssertEqual(heard.all, [5, 6])
        }
    }

    func testAStoredPositionThatCannotBeReadIsReportedAndTriedAgainAndNothingIsStoredOverIt() throws {
        try VirtualTime.run { time in
            let (isLocked, heard) = (Locked(true), Recorder<Int?>())
            let readStored: @Sendable () throws -> String? = {
                if isLocked.withLock({ $0 }) { throw World.AppError() }
                return positionText(4)
            }
            let rig = try Rig(time, given: Rig.Given(readStored: readStored)) { $0.on("note") { heard.all.append($0.offset) } }
            time.settle()
            XCTAssertEqual(rig.signals, ["failure storage", "offline storage"])
            XCTAssertEqual(rig.sockets.count, 0)
            isLocked.withLock { $0 = false }
            time.advance(ms: 500)
            try rig.goLive(offset: 5, entries: [["offset": 4], ["offset": 5]])
            XCTAssertEqual(heard.all, [5])
            XCTAssertEqual(rig.log, ["stored 5"])
            XCTAssertEqual(rig.signals, ["failure storage", "offline storage"])
        }
    }

    func testAStorageThatCanNeverBeReadCostsWhatWasMissedNotTheConnection() throws {
        try VirtualTime.run { time in
            let (gate, heard) = (Gate(), Recorder<Int?>())
            let readStored: @Sendable () async -> String? = {
                await gate.wait()
                return nil
            }
            let rig = try Rig(time, given: Rig.Given(readStored: readStored)) { $0.on("note") { heard.all.append($0.offset) } }
            time.advance(ms: 5_000 + 500)
            time.advance(ms: 5_000 + 1_000)
            XCTAssertEqual(rig.sockets.count, 0)
            time.advance(ms: 5_000)
            try rig.goLive(offset: 5, entries: [["offset": 5]])
            try rig.event(["offset": 6])
            XCTAssertEqual(heard.all, [6])
            XCTAssertEqual(rig.client.state.connection, .live)
            gate.open()
        }
    }

    func testAMessageThatIsNoPacketEndsTheConnectionWhichComesBack() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            rig.socket.say("42[")
            time.settle()
            XCTAssertEqual(rig.signals, ["offline protocol"])
            XCTAssertFalse(rig.socket.isOpen)
            time.advance(ms: 500)
            XCTAssertEqual(rig.sockets.count, 2)
        }
    }

    func testAMessageOfMoreThan8MiBEndsTheConnectionUnread() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            rig.socket.say(#"42["hint","\#(String(repeating: "x", count: 8 * 1_024 * 1_024))"]"#)
            time.settle()
            XCTAssertEqual(rig.signals, ["offline protocol"])
        }
    }

    func testAServerThatNeverPingsIsLostAfterIntervalAndTimeout() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            try rig.goLive()
            rig.socket.stopPings()
            time.advance(ms: 34_999)
            XCTAssertEqual(rig.signals, [])
            time.advance(ms: 1)
            XCTAssertEqual(rig.signals, ["offline offline"])
        }
    }

    func testAConfigurationThatIsPrintedOrDumpedDoesNotShowTheToken() throws {
        let url = try XCTUnwrap(URL(string: "http://localhost"))
        let configuration = try UsherConfiguration(url: url, deviceId: "tv", platform: "tv", token: .fixed("s3cret"))
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] { XCTAssertFalse(text.contains("s3cret"), text) }
    }

    func testALocaleIsSentAsALanguageTag() {
        XCTAssertEqual(languageTag("de_CH"), "de-CH")
        XCTAssertEqual(languageTag("en_US@rg=dezzzz"), "en-US")
    }

    func testNeitherAnErrorNorTheStateShowsTheToken() throws {
        try VirtualTime.run { time in
            let errors = Recorder<String>()
            let rig = try Rig(time) { usher in
                let signals = usher.signals
                Task { for await case .failure(let error) in signals { errors.all.append("\(error) \(String(reflecting: error)) \(error.localizedDescription)") } }
            }
            try rig.goLive()
            rig.token = "ann/secret"
            try rig.socket.sendFrame("token.expiring", [:])
            time.settle()
            let token = try XCTUnwrap(rig.socket.sent.last?.payload["token"]?.string)
            try rig.reply(["ok": false, "error": ["code": "token_invalid", "message": "no", "retryable": false]])
            XCTAssertEqual(errors.all.count, 1)
            XCTAssertFalse(errors.all[0].contains(token))
            XCTAssertFalse("\(rig.client.state)".contains(token))
        }
    }

    func testAUserWhoseIdOnlyLooksTheSameInheritsNothing() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            rig.token = "jos\u{E9}"
            try rig.goLive(["userId": "jos\u{E9}"])
            try rig.event(["offset": 1])
            XCTAssertEqual(rig.client.state.entries.count, 1)
            rig.token = "jose\u{301}"
            try rig.socket.cut()
            time.advance(ms: 500)
            XCTAssertEqual(rig.socket.auth?["epoch"], nil)
            XCTAssertEqual(rig.client.state.entries.count, 0)
        }
    }

    func testAnAddressThatIsNotHTTPIsRefused() throws {
        XCTAssertThrowsError(
            try UsherConfiguration(url: URL(string: "ftp://usher.test")!, deviceId: "tv", platform: "tv", token: .fixed("t"))
        ) { XCTAssertEqual(($0 as? UsherError)?.code, "invalid_url") }
        let configuration = try UsherConfiguration(url: URL(string: "http://[::1]:3000/usher/")!, deviceId: "tv", platform: "tv", token: .fixed("t"))
        XCTAssertEqual(configuration.socketURL.absoluteString, "ws://[::1]:3000/usher/socket.io/?EIO=4&transport=websocket")
    }

    func testPreferencesKeepWhatWasStored() {
        let (store, name) = (UserDefaultsPositionStore(suiteName: "usher-\(UUID())"), "usher:position:x")
        XCTAssertNil(store.text(named: name))
        store.store("1", named: name)
        store.store("2", named: name)
        XCTAssertEqual(store.text(named: name), "2")
    }
}
