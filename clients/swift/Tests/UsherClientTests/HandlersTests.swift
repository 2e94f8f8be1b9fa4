import XCTest

@testable import UsherClient

private struct PartyInvited: EventData {
    static let eventType = "party.invited"
    let partyId: String
}

final class HandlersTests: XCTestCase {
    func testASuspendedHandlerHoldsBackStoreAckAndEventsAndPingsAreAnsweredMeanwhile() throws {
        try VirtualTime.run { time in
            let (gate, events) = (Gate(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                usher.on("note") { _ in await gate.wait() }
                let all = usher.events
                Task {
                    for await event in all { events.all.append(event.offset) }
                    events.all.append(nil)
                }
            }
            try rig.goLive()
            rig.log = []
            try rig.event(["offset": 1])
            time.advance(ms: 50_000) // beyond ping interval and timeout
            XCTAssertEqual(rig.log, [])
            XCTAssertEqual(events.all, [])
            XCTAssertEqual(rig.client.state.connection, .live)
            XCTAssertEqual(rig.client.state.position?.offset, 0)
            gate.open()
            time.settle()
            XCTAssertEqual(rig.log, ["stored 1", "acked 1"])
            XCTAssertEqual(rig.client.state.position?.offset, 1)
            rig.client.close()
            time.settle()
            XCTAssertEqual(events.all, [1, nil])
        }
    }

    func testAHandlerThatTakesLongerThanAMinuteIsCancelledAndReportedAndTheNextEventIsHeard() throws {
        try VirtualTime.run { time in
            let (heard, cancelled) = (Recorder<Int?>(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                usher.on("note") { event in
                    heard.all.append(event.offset)
                    guard event.offset == 1 else { return }
                    do { try await time.sleep(ms: 3_600_000) } catch { cancelled.all.append(event.offset) }
                }
            }
            try rig.goLive()
            try rig.event(["offset": 1])
            try rig.event(["offset": 2])
            time.advance(ms: 59_999)
            XCTAssertEqual(heard.all, [1])
            time.advance(ms: 1)
            XCTAssertEqual(rig.signals, ["failure handler_timeout"])
            XCTAssertEqual(cancelled.all, [1])
            XCTAssertEqual(heard.all, [1, 2])
            XCTAssertEqual(rig.log, ["stored 0", "stored 1", "acked 1", "stored 2", "acked 2"])
        }
    }

    func testAHandlerThatIgnoresItsCancellationHoldsUpNobody() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time) { $0.on("note") { event in if event.offset == 1 { await gate.wait() } } }
            try rig.goLive()
            try rig.event(["offset": 1])
            try rig.event(["offset": 2])
            time.advance(ms: 60_000)
            XCTAssertEqual(rig.client.state.position?.offset, 2)
            gate.open()
        }
    }

    func testAnEventWhoseHandlerRunsWhileTheLineIsCutIsHeardOnceAndAcknowledgedOnTheNextLine() throws {
        try VirtualTime.run { time in
            let (gate, heard) = (Gate(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                usher.on("note") { event in
                    heard.all.append(event.offset)
                    await gate.wait()
                }
            }
            try rig.goLive()
            try rig.event(["offset": 1])
            try rig.socket.cut()
            time.advance(ms: 500)
            XCTAssertEqual(rig.sockets.count, 2)
            gate.open()
            try rig.resume(offset: 1)
            try rig.event(["offset": 1])
            XCTAssertEqual(heard.all, [1])
            XCTAssertEqual(rig.log, ["stored 0", "stored 1", "acked 1"])
        }
    }

    func testAHandlerMayHaveNoDeadline() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time, given: Rig.Given(handlerTimeout: .infinity)) { $0.on("note") { _ in await gate.wait() } }
            try rig.goLive()
            try rig.event(["offset": 1])
            time.advance(ms: 3_600_000)
            XCTAssertEqual(rig.signals, [])
            gate.open()
            time.settle()
            XCTAssertEqual(rig.client.state.position?.offset, 1)
        }
    }

    func testOnceCloseHasReturnedNoHandlerIsEnteredEvenBeforeTheClientGetsToDisconnect() throws {
        try VirtualTime.run { time in
            let (gate, heard) = (Gate(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                usher.on("note") { event in
                    heard.all.append(event.offset)
                    await gate.wait()
                }
            }
            try rig.goLive()
            try rig.event(["offset": 1])
            try rig.event(["offset": 2])
            rig.onAck = { [unowned rig] in rig.client.close() }
            gate.open()
            time.settle()
            XCTAssertEqual(heard.all, [1])
        }
    }

    func testAnEventWhoseHandlerRunsWhileThePositionIsGivenUpIsHeardOnce() throws {
        try VirtualTime.run { time in
            let (gate, heard) = (Gate(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                usher.on("note") { event in
                    heard.all.append(event.offset)
                    await gate.wait()
                }
            }
            try rig.goLive()
            try rig.event(["offset": 2]) // a hole: a sync is sent
            try rig.event(["offset": 1])
            try rig.reply(["ok": false, "error": ["code": "forbidden", "message": "no", "retryable": false]])
            gate.open()
            time.settle()
            time.advance(ms: 500)
            try rig.goLive(offset: 2, entries: [["offset": 1], ["offset": 2]])
            XCTAssertEqual(rig.sockets.count, 2)
            XCTAssertEqual(heard.all, [1, 2])
            XCTAssertEqual(rig.client.state.position?.offset, 2)
        }
    }

    func testNothingIsCommittedForAUserWhoWasReplacedWhileAHandlerRan() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time) { $0.on("note") { _ in await gate.wait() } }
            try rig.goLive()
            try rig.event(["offset": 1])
            rig.token = "bob"
            try rig.socket.cut()
            time.advance(ms: 500)
            gate.open()
            time.settle()
            XCTAssertEqual(rig.client.state.entries, [])
            XCTAssertEqual(rig.log, ["stored 0"])
            try rig.goLive(["userId": "bob", "epoch": "b1"])
            XCTAssertEqual(rig.log, ["stored 0", "stored 0"])
            XCTAssertEqual(rig.client.state.entries, [])
        }
    }

    func testOfASnapshotNothingIsCommittedForAUserWhoWasReplacedWhileAHandlerRan() throws {
        try VirtualTime.run { time in
            let (gate, heard) = (Gate(), Recorder<String>())
            let rig = try Rig(time) { usher in
                usher.on("note") { event in
                    heard.all.append(event.id)
                    await gate.wait()
                }
            }
            try rig.goLive()
            try rig.socket.sendFrame("welcome", createWelcome(["offset": 2], nowMs: time.wallMs))
            try rig.socket.sendFrame("snapshot", createSnapshot(["offset": 2, "entries": [["offset": 1], ["offset": 2]]]))
            time.settle()
            rig.token = "bob"
            try rig.socket.cut()
            time.advance(ms: 500)
            gate.open()
            time.settle()
            XCTAssertEqual(heard.all, ["e-1"])
            XCTAssertEqual(rig.log, ["stored 0"])
            XCTAssertNil(rig.client.state.position)
        }
    }

    func testARoutineEventIsNotAddedToTheStateOfAUserWhoReplacedItsOwn() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time) { $0.onAny { _ in await gate.wait() } }
            try rig.goLive()
            let row: JSONValue = ["profileId": "main", "showId": "dark", "deviceId": "phone", "at": "2026-01-01T00:00:00.000Z"]
            try rig.event(["type": "playback.progress", "data": row])
            rig.token = "bob"
            try rig.socket.cut()
            time.advance(ms: 500)
            gate.open()
            time.settle()
            XCTAssertEqual(rig.client.state.playback, [])
        }
    }

    func testAPositionWithinThePastIsNotStored() throws {
        try VirtualTime.run { time in
            let rig = try Rig(time)
            time.settle()
            try rig.socket.sendFrame("welcome", createWelcome(["offset": 3], nowMs: time.wallMs))
            try rig.socket.sendFrame("snapshot", createSnapshot(["offset": 2, "hasMore": true, "entries": [["offset": 2]]]), asksForAck: true)
            time.settle()
            XCTAssertEqual(rig.client.state.position?.offset, 2)
            XCTAssertFalse(rig.log.contains("stored 2"))
            rig.log = []
            try rig.socket.cut()
            time.advance(ms: 500)
            try rig.resume(offset: 4)
            try rig.event(["offset": 3])
            XCTAssertEqual(rig.log, ["stored 3", "acked 3"]) // the past ends here
        }
    }

    func testAHandlerThatTakesLongerThanAWelcomeMayCostsNoConnection() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time) { $0.on("note") { _ in await gate.wait() } }
            try rig.goLive()
            try rig.socket.cut()
            time.advance(ms: 500)
            try rig.socket.sendFrame("welcome", createWelcome(["offset": 1], nowMs: time.wallMs))
            try rig.socket.sendFrame("snapshot", createSnapshot(["offset": 1, "entries": [["offset": 1]]]))
            time.advance(ms: 45_000)
            XCTAssertEqual(rig.client.state.connection, .connecting)
            gate.open()
            time.settle()
            XCTAssertEqual(rig.client.state.connection, .live)
            XCTAssertEqual(rig.signals, ["offline offline"]) // the cut
        }
    }

    func testAThousandEventsMayWaitForASlowHandlerAndOneMoreEndsTheConnection() throws {
        try VirtualTime.run { time in
            let gate = Gate()
            let rig = try Rig(time) { $0.on("hint") { _ in await gate.wait() } }
            try rig.goLive()
            for _ in 0...1_000 { try rig.event([:]) } // the first is being handled
            XCTAssertEqual(rig.client.state.connection, .live)
            try rig.event([:])
            XCTAssertEqual(rig.signals, ["offline slow"])
            XCTAssertTrue(rig.socket.isClosedByClient)
            gate.open()
        }
    }

    func testEventsAreDecodedForUshersTypesAndForTheAppsAndDataOfAnotherFormIsReportedAndBlocksNothing() throws {
        try VirtualTime.run { time in
            let (stopped, parties) = (Recorder<String>(), Recorder<String>())
            let rig = try Rig(time) { usher in
                usher.on(StreamStop.self) { stopped.all.append($0.data.streamId) }
                usher.on(PartyInvited.self) { parties.all.append($0.data.partyId) }
            }
            try rig.goLive()
            try rig.event(["offset": 1, "type": "stream.stop", "data": ["streamId": "s-1", "reason": "operator", "later": true]])
            try rig.event(["offset": 2, "type": "party.invited", "data": ["partyId": "p-1"]])
            try rig.event(["offset": 3, "type": "party.invited", "data": ["partyId": [:]]])
            XCTAssertEqual(rig.signals, ["failure app"])
            try rig.event(["offset": 4, "type": "party.invited", "data": ["partyId": "p-2"]])
            XCTAssertEqual(stopped.all, ["s-1"])
            XCTAssertEqual(parties.all, ["p-1", "p-2"])
            XCTAssertEqual(rig.client.state.position?.offset, 4)
        }
    }

    func testARemovedHandlerHearsNothingMore() throws {
        try VirtualTime.run { time in
            let heard = Recorder<Int?>()
            let rig = try Rig(time)
            let handler = rig.client.onAny { heard.all.append($0.offset) }
            try rig.goLive()
            try rig.event(["offset": 1])
            handler.cancel()
            handler.cancel()
            try rig.event(["offset": 2])
            XCTAssertEqual(heard.all, [1])
        }
    }

    func testASubscriberThatIs256EventsBehindLosesTheOldestWhichIsReportedAndHoldsUpNobody() throws {
        try VirtualTime.run { time in
            let (gate, slow, quick) = (Gate(), Recorder<Int?>(), Recorder<Int?>())
            let rig = try Rig(time) { usher in
                let (first, second) = (usher.events, usher.events)
                Task {
                    for await event in first {
                        slow.all.append(event.offset)
                        await gate.wait()
                    }
                }
                Task { for await event in second { quick.all.append(event.offset) } }
            }
            try rig.goLive()
            for n in 1...258 { try rig.event(["offset": .number(Double(n))]) }
            XCTAssertEqual(rig.client.state.position?.offset, 258)
            XCTAssertEqual(rig.signals, ["failure slow"])
            gate.open()
            time.settle()
            XCTAssertEqual(slow.all, [1] + (3...258).map { $0 })
            XCTAssertEqual(quick.all, (1...258).map { $0 })
        }
    }
}
