import Foundation
import LoopbackTransport
import XCTest

@testable import UsherClient

#if os(Linux)
    private let liveTransport: any UsherTransport = SocketTransport()
#else
    private let liveTransport: any UsherTransport = URLSessionTransport(session: .shared)
#endif

/// The eight scenarios that every client plays with a real Usher (clients/conformance/README.md), and six more, all through a line that is cut. Skipped
/// unless `USHER_URL` names a development Usher.
final class LiveTests: XCTestCase {
    private var usher: LiveUsher!
    private var line: TCPProxy!
    private var user = ""
    private var devices: [Device] = []

    override func setUp() async throws {
        guard let usher = try LiveUsher.fromEnvironment() else { throw XCTSkip("USHER_URL is not set") }
        self.usher = usher
        line = try TCPProxy(to: usher.port)
        user = "swift-\(UUID().uuidString.lowercased())"
    }

    override func tearDown() async throws {
        for device in devices { device.client.close() }
        devices = []
        line?.close()
    }

    private func open(
        _ deviceId: String = "tv", positions: any PositionStore = MemoryPositionStore(), clock: any UsherClock = SystemClock(),
        through line: TCPProxy? = nil, transport: any UsherTransport = liveTransport, token: (@Sendable () -> String)? = nil
    ) async throws -> Device {
        let (usher, user) = (usher!, user)
        let url = try XCTUnwrap(URL(string: (line ?? self.line).url))
        let token = token ?? { usher.token(user) }
        var configuration = try UsherConfiguration(url: url, deviceId: deviceId, platform: "tv", token: .provider { token() })
        configuration.positions = positions
        configuration.clock = clock
        let device = Device(configuration, transport)
        devices.append(device)
        try await device.waitUntil("live") { $0.client.state.connection == .live }
        return device
    }

    /// Cuts the line, acts, and waits until the device is live again.
    private func cut(during device: Device, _ act: () async throws -> Void) async throws {
        line.cut()
        try await device.waitUntil("offline") { $0.client.state.connection != .live }
        try await act()
        line.restore()
        try await device.waitUntil("live again") { $0.client.state.connection == .live }
    }

    func testPositionFreshDevice_ItHearsNothingOfThePastAndEverythingAfterIt() async throws {
        try await usher.publish(user, 1...2)
        let tv = try await open()
        try await usher.publish(user, 3...3)
        try await tv.waitUntil("heard") { $0.heard == [3] && $0.entries == [1, 2, 3] }
        let state = try await usher.state(of: user)
        XCTAssertEqual(tv.client.state.position?.json, state["position"])
    }

    func testPositionRestart_ItHearsOnlyWhatItHadNotHeard() async throws {
        let positions = MemoryPositionStore()
        let first = try await open(positions: positions)
        try await usher.publish(user, 1...1)
        try await first.waitUntil("heard") { $0.client.state.position?.offset == 1 }
        first.client.close()
        try await usher.publish(user, 2...3)
        let second = try await open(positions: positions)
        try await second.waitUntil("heard") { $0.heard == [2, 3] }
        XCTAssertEqual(first.heard, [1])
    }

    func testPositionShortBreak_ItHearsWhatItMissedOnceInOrderByAReplay() async throws {
        let tv = try await open()
        try await usher.publish(user, 1...1)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 1 }
        try await cut(during: tv) { try await usher.publish(user, 2...4) }
        try await usher.publish(user, 5...5)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 5 }
        XCTAssertEqual(tv.heard, [1, 2, 3, 4, 5])
        XCTAssertTrue(tv.handshakes.last?.contains(#""offset":"1""#) == true)
    }

    func testPositionCompacted_OffsetsThatAReplayLeavesOutAreNoHole() async throws {
        let tv = try await open()
        try await usher.publish(user, 1...1)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 1 }
        try await cut(during: tv) {
            for n in 2...5 { try await usher.publish(user, n...n, fields: ["key": "same"]) }
        }
        try await usher.publish(user, 6...6)
        try await tv.waitUntil("heard") { $0.heard == [1, 5, 6] }
        XCTAssertFalse(tv.said.contains { $0.contains(#""sync""#) })
    }

    func testPositionSilent_AnEventForAnotherDeviceIsNotHeardAndLeavesNoGap() async throws {
        let (tv, phone) = (try await open(), try await open("phone"))
        try await usher.publish(user, 1...1, fields: ["deviceId": "phone"])
        try await usher.publish(user, 2...2)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 2 }
        try await phone.waitUntil("heard") { $0.heard == [1, 2] }
        XCTAssertEqual(tv.heard, [2])
        XCTAssertFalse(tv.said.contains { $0.contains(#""sync""#) })
    }

    func testConnectionSuperseded_TheOlderConnectionOfADeviceClosesForGood() async throws {
        let first = try await open()
        let second = try await open()
        try await first.waitUntil("refused") { $0.refused == ["superseded"] && $0.client.state.connection == .closed }
        try await usher.publish(user, 1...1)
        try await second.waitUntil("heard") { $0.heard == [1] }
        XCTAssertEqual(first.heard, [])
    }

    func testTokenAccountSwitch_TheNextUserInheritsNothingAndTheFirstMissesNothing() async throws {
        let (ann, bob, current, usher) = (user, "\(user)-bob", Locked(user), usher!)
        let tv = try await open { usher.token(current.withLock { $0 }) }
        try await usher.publish(ann, 1...2)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 2 }
        try await cut(during: tv) {
            current.withLock { $0 = bob }
            try await usher.publish(bob, 1...1)
        }
        XCTAssertEqual(tv.entries, [1])
        try await usher.publish(bob, 7...7)
        try await tv.waitUntil("heard") { $0.heard == [1, 2, 7] } // the first of the next user is of the past
        try await cut(during: tv) {
            current.withLock { $0 = ann }
            try await usher.publish(ann, 3...3)
        }
        try await tv.waitUntil("heard") { $0.heard == [1, 2, 7, 3] }
    }

    func testOutgoingReceipts_300ReceiptsThatWaitedAreAllTaken() async throws {
        let tv = try await open()
        for from in stride(from: 1, through: 300, by: 50) { try await usher.publish(user, from...(from + 49)) }
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 300 }
        var calls: [Task<Void, any Error>] = []
        try await cut(during: tv) { calls = tv.client.state.entries.map { tv.client.seen($0) } }
        XCTAssertEqual(calls.count, 300)
        for call in calls { try await call.value }
    }

    func testReceipt_SeenOnOneDeviceIsToldToTheOtherAlsoIfTheLineWasCutMeanwhile() async throws {
        // On a line of its own: `receipts.changed` is routine, and a device that is cut off would miss it.
        let other = try TCPProxy(to: usher.port)
        defer { other.close() }
        let (tv, phone) = (try await open(), try await open("phone", through: other))
        try await usher.publish(user, 1...1)
        try await tv.waitUntil("heard") { $0.entries == [1] }
        try await phone.waitUntil("heard") { $0.heard == [1] }
        let event = try XCTUnwrap(tv.client.state.entries.first)
        try await tv.client.applied(event).value
        var seen: Task<Void, any Error>?
        try await cut(during: tv) { seen = tv.client.seen(event) }
        try await seen?.value
        try await phone.waitUntil("receipt") { $0.receipts == [event.id] }
    }

    func testHeartbeat_TheNewestPositionOfAShowReachesTheOtherDeviceAfterACut() async throws {
        let (tv, phone) = (try await open(), try await open("phone"))
        let beat = { Beat(showId: "dark", positionSeconds: $0, durationSeconds: 3_000, state: .paused) }
        _ = try await tv.client.heartbeat(beat(100)).value
        try await phone.waitUntil("progress") { $0.client.state.playback.first?.positionSeconds == 100 }
        var calls: [Task<BeatAnswer, any Error>] = []
        try await cut(during: tv) { calls = [200, 300].map { tv.client.heartbeat(beat($0)) } }
        for call in calls { _ = try await call.value }
        try await phone.waitUntil("progress") { $0.client.state.playback.map(\.positionSeconds) == [300] }
        XCTAssertEqual(tv.client.state.playback.map(\.positionSeconds), [300])
    }

    func testToken_ATokenIsRenewedOnTheSameConnectionWhichOutlivesTheFirstOne() async throws {
        let (usher, user, fetched, seconds) = (usher!, user, Locked(0), 6)
        let tv = try await open {
            let isFirst = fetched.withLock { count in
                count += 1
                return count == 1
            }
            return usher.token(user, seconds: isFirst ? seconds : 3_600)
        }
        let connectedAt = SystemClock().elapsedMs
        try await tv.waitUntil("renewed") { $0.said.contains { $0.contains(#""token.refresh""#) } }
        // Without the renewal the server would close two seconds after the expiry. Events are published for longer than that.
        var n = 0
        while SystemClock().elapsedMs - connectedAt < (seconds + 4) * 1_000 {
            n += 1
            let count = n
            try await usher.publish(user, count...count)
            try await tv.waitUntil("heard") { $0.heard.count == count }
        }
        XCTAssertEqual(fetched.withLock { $0 }, 2)
        XCTAssertEqual(tv.offline, [])
    }

    func testRequests_ADeviceIsRegisteredAndAPushsEventIsFetchedAndSeenWithoutASocket() async throws {
        let (user, usher) = (user, usher!)
        let url = try XCTUnwrap(URL(string: line.url))
        let requests = UsherRequests(try UsherConfiguration(url: url, deviceId: "my.phone:1", platform: "ios", token: .provider { usher.token(user) }))
        try await requests.registerDevice(apnsToken: Data([0x0A, 0xFF]) + Data(user.utf8), name: "Phone")
        let tablet = try await open("tablet")
        try await usher.publish(user, 1...2)
        try await tablet.waitUntil("heard") { $0.heard == [1, 2] }
        let event = try XCTUnwrap(tablet.client.state.entries.last)
        let push = try XCTUnwrap(UsherPush(userInfo: [
            "id": event.id, "type": event.type, "userId": user, "epoch": event.epoch ?? "", "offset": String(event.offset ?? 0),
        ]))
        let found = try await requests.event(of: push)
        XCTAssertEqual(found, event)
        try await requests.seen(eventIds: [event.id])
        try await tablet.waitUntil("receipt") { $0.receipts == [event.id] }
        try await usher.publish(user, 3...3, fields: ["key": "note:2"])
        let superseded = try await requests.event(of: push)
        XCTAssertNil(superseded)
        try await requests.removeDevice()
        do {
            try await requests.applied(eventIds: [event.id])
            XCTFail("a device that was removed has receipts")
        } catch {
            XCTAssertEqual((error as? UsherError)?.code, "unknown_device")
        }
    }

    /// On Linux, too: everything that is said here is short.
    func testURLSession_ADeviceIsCutAndResumesOverFoundationsWebSockets() async throws {
        let transport = URLSessionTransport()
        defer { transport.close() }
        let tv = try await open(transport: transport)
        try await usher.publish(user, 1...1)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 1 }
        _ = try await tv.client.heartbeat(Beat(showId: "dark", positionSeconds: 1, durationSeconds: 2, state: .paused)).value
        try await cut(during: tv) { try await usher.publish(user, 2...3) }
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 3 }
        XCTAssertEqual(tv.heard, [1, 2, 3])
        tv.client.close()
        try await tv.waitUntil("closed") { $0.client.state.connection == .closed }
        XCTAssertEqual(tv.refused, [])
    }

    func testAbsence_AfterTwoHoursADeviceAsksForASnapshotAndHearsWhatItMissedOnce() async throws {
        let clock = SleepingClock()
        let tv = try await open(clock: clock)
        try await usher.publish(user, 1...1)
        try await tv.waitUntil("heard") { $0.client.state.position?.offset == 1 }
        try await cut(during: tv) {
            clock.sleptMs.withLock { $0 = 2 * 3_600_000 }
            try await usher.publish(user, 2...4)
        }
        try await tv.waitUntil("heard") { $0.heard == [1, 2, 3, 4] }
        XCTAssertTrue(tv.handshakes.last?.contains(#""epoch""#) == false)
        XCTAssertEqual(tv.entries, [1, 2, 3, 4])
    }
}

/// The system's clock on a device that has slept.
private struct SleepingClock: UsherClock {
    let sleptMs = Locked(0)
    private let system = SystemClock()

    var wallMs: Int { system.wallMs }
    var elapsedMs: Int { system.elapsedMs + sleptMs.withLock { $0 } }
    func sleep(ms: Int) async throws { try await system.sleep(ms: ms) }
}

/// One device, with everything that it hears and says.
private final class Device: Sendable {
    private static let deadlineMs = 20_000

    private struct Record {
        var heard: [Int] = []
        var receipts: [String] = []
        var offline: [String] = []
        var refused: [String] = []
        var said: [String] = []
    }

    let client: Usher
    private let record: Locked<Record>

    init(_ configuration: UsherConfiguration, _ transport: any UsherTransport) {
        let record = Locked(Record())
        self.record = record
        var configuration = configuration
        configuration.transport = Dialling { url in
            Listening(inner: transport.connect(to: url)) { text in record.withLock { $0.said.append(text) } }
        }
        client = Usher.connect(configuration) { usher in
            usher.on("note") { event in record.withLock { $0.heard.append(event.data["n"]?.wholeNumber ?? -1) } }
            usher.on(ReceiptsChanged.self) { event in record.withLock { $0.receipts += event.data.ids } }
            let signals = usher.signals
            Task {
                for await signal in signals {
                    record.withLock { record in
                        if case .offline(let error) = signal { record.offline.append(error.code) }
                        if case .refused(let error) = signal { record.refused.append(error.code) }
                    }
                }
            }
        }
    }

    var heard: [Int] { record.withLock { $0.heard } }
    var receipts: [String] { record.withLock { $0.receipts } }
    var offline: [String] { record.withLock { $0.offline } }
    var refused: [String] { record.withLock { $0.refused } }
    var said: [String] { record.withLock { $0.said } }
    var handshakes: [String] { said.filter { $0.hasPrefix("40") } }
    var entries: [Int] { client.state.entries.map { $0.data["n"]?.wholeNumber ?? -1 } }

    func waitUntil(_ what: String, _ holds: (Device) -> Bool) async throws {
        let deadline = SystemClock().elapsedMs + Device.deadlineMs
        while !holds(self) {
            guard SystemClock().elapsedMs < deadline else {
                throw Failure("not \(what) in time: heard \(heard), \(client.state.connection), offline \(offline), refused \(refused)")
            }
            try await SystemClock().sleep(ms: 10)
        }
    }
}

/// Repeats what a device says to its server.
private struct Listening: UsherWebSocket {
    let inner: any UsherWebSocket
    let hear: @Sendable (String) -> Void

    func receive() async throws -> String { try await inner.receive() }

    func send(_ text: String) {
        hear(text)
        inner.send(text)
    }

    func close() { inner.close() }
}
