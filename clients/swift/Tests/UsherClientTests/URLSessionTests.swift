import Foundation
import LoopbackTransport
import XCTest

@testable import UsherClient

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A server for requests that a test makes of a function from token to status and body.
private final class FakeHTTP: URLProtocol {
    static let answer = Locked<@Sendable (String) -> (Int, String)>({ _ in (500, "") })

    override class func canInit(with request: URLRequest) -> Bool { true }
    override class func canonicalRequest(for request: URLRequest) -> URLRequest { request }
    override func stopLoading() {}

    override func startLoading() {
        let answer = FakeHTTP.answer.withLock { $0 }
        let (status, body) = answer(request.value(forHTTPHeaderField: "Authorization") ?? "")
        guard let url = request.url,
            let response = HTTPURLResponse(url: url, statusCode: status, httpVersion: "HTTP/1.1", headerFields: ["Retry-After": "7"])
        else { return }
        client?.urlProtocol(self, didReceive: response, cacheStoragePolicy: .notAllowed)
        client?.urlProtocol(self, didLoad: Data(body.utf8))
        client?.urlProtocolDidFinishLoading(self)
    }
}

/// Waits for a message, ten seconds at most. Returns the code of what comes instead of one.
private func receiveFailure(_ socket: any UsherWebSocket) async -> String? {
    do {
        _ = try await runWithTimeout(within: 10_000, on: SystemClock(), else: .timeout("it waits for ever")) { try await socket.receive() }
        return nil
    } catch {
        return UsherError(error, code: "offline").code
    }
}

/// What of Foundation's networking can be tried everywhere.
final class URLSessionTests: XCTestCase {
    /// An address at which nobody listens.
    private func makeDeadURL(_ scheme: String) throws -> URL {
        let port = try XCTUnwrap(TCPSocket.listen()).port
        return try XCTUnwrap(URL(string: "\(scheme)://127.0.0.1:\(port)/socket.io/"))
    }

    func testAConnectionThatCannotBeOpenedEnds() async throws {
        let transport = URLSessionTransport()
        defer { transport.close() }
        let socket = transport.connect(to: try makeDeadURL("ws"))
        socket.send("40{}")
        let code = await receiveFailure(socket)
        XCTAssertEqual(code, "offline")
        socket.close()
    }

    func testAConnectionThatWasClosedEndsAndMayBeClosedTwice() async throws {
        let transport = URLSessionTransport()
        let listener = try XCTUnwrap(TCPSocket.listen()) // takes connections and says nothing
        let socket = transport.connect(to: try XCTUnwrap(URL(string: "ws://127.0.0.1:\(listener.port)/socket.io/")))
        let ended = Task { await receiveFailure(socket) }
        socket.close()
        socket.close()
        transport.close()
        let code = await ended.value
        XCTAssertEqual(code, "offline")
    }

    func testARequestThatReachesNobodyFailsAsOfflineAndRetryable() async throws {
        let configuration = try UsherConfiguration(url: makeDeadURL("http"), deviceId: "tv", platform: "tv", token: .fixed("secret"))
        do {
            try await UsherRequests(configuration).seen(eventIds: ["e-1"])
            XCTFail("it reached somebody")
        } catch let error as UsherError {
            XCTAssertEqual(error.code, "offline")
            XCTAssertTrue(error.retryable)
            XCTAssertFalse("\(error)".contains("secret"))
        }
    }

    /// Calls `seen` with these tokens, at a server that takes only `good`. Returns the tokens that it was called with, and the error.
    private func callSeen(_ tokens: [String], fixed: Bool = false) async throws -> (used: [String], error: UsherError?) {
        let (rest, used) = (Locked(tokens), Locked<[String]>([]))
        FakeHTTP.answer.withLock {
            $0 = { token in
                used.withLock { $0.append(token) }
                let problem = #"{"code":"token_expired","detail":"The user token has expired","retryable":false}"#
                return token == "Bearer good" ? (204, "") : token == "Bearer busy" ? (503, "<html>") : (401, problem)
            }
        }
        let token: UsherToken = fixed ? .fixed(tokens[0]) : .provider { rest.withLock { $0.removeFirst() } }
        let url = try XCTUnwrap(URL(string: "https://usher.test/below"))
        let sessionConfiguration = URLSessionConfiguration.ephemeral
        sessionConfiguration.protocolClasses = [FakeHTTP.self]
        let session = URLSession(configuration: sessionConfiguration)
        defer { session.finishTasksAndInvalidate() }
        let requests = UsherRequests(try UsherConfiguration(url: url, deviceId: "tv", platform: "tv", token: token), session: session)
        do {
            try await requests.seen(eventIds: ["e-1"])
            return (used.withLock { $0 }, nil)
        } catch {
            return (used.withLock { $0 }, error as? UsherError)
        }
    }

    func testARefusedTokenIsReplacedOnce() async throws {
        let renewed = try await callSeen(["old", "good"])
        XCTAssertEqual(renewed.used, ["Bearer old", "Bearer good"])
        XCTAssertNil(renewed.error)
        let refused = try await callSeen(["old", "older", "good"])
        XCTAssertEqual(refused.used, ["Bearer old", "Bearer older"])
        XCTAssertEqual(refused.error?.code, "token_expired")
        let fixed = try await callSeen(["old"], fixed: true)
        XCTAssertEqual(fixed.used, ["Bearer old"])
    }

    func testACallEndsInTimeHoweverSlowTheTokenIs() async throws {
        var configuration = try UsherConfiguration(
            url: makeDeadURL("http"), deviceId: "tv", platform: "tv",
            token: .provider {
                try await Task.sleep(nanoseconds: 60_000_000_000)
                return "late"
            }
        )
        configuration.clock = HastyClock()
        do {
            try await UsherRequests(configuration).seen(eventIds: ["e-1"])
            XCTFail("it ended without a token")
        } catch let error as UsherError {
            XCTAssertEqual(error.code, "timeout")
        }
    }

    #if canImport(Darwin) // Foundation on Linux ignores the delegate of a task, and follows
        func testATokenIsNotCarriedToWhereARedirectLeads() async throws {
            let (server, elsewhere) = (try XCTUnwrap(TCPSocket.listen()), try XCTUnwrap(TCPSocket.listen()))
            let visits = Locked(0)
            startThread {
                guard let client = server.accept() else { return }
                _ = client.read()
                _ = client.write(
                    Array("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:\(elsewhere.port)/\r\nContent-Length: 0\r\n\r\n".utf8)
                )
                while !client.read().isEmpty {}
            }
            startThread {
                while let client = elsewhere.accept() {
                    visits.withLock { $0 += 1 }
                    client.end()
                }
            }
            let url = try XCTUnwrap(URL(string: "http://127.0.0.1:\(server.port)"))
            do {
                let configuration = try UsherConfiguration(url: url, deviceId: "tv", platform: "tv", token: .fixed("secret"))
                try await UsherRequests(configuration).seen(eventIds: ["e-1"])
                XCTFail("it was followed")
            } catch let error as UsherError {
                XCTAssertEqual(error.code, "http_307")
            }
            XCTAssertEqual(visits.withLock { $0 }, 0)
            server.end()
            elsewhere.end()
        }
    #endif

    func testWhatAProxyAnswersIsAnErrorThatSaysWhenToComeBack() async throws {
        let (used, error) = try await callSeen(["busy"])
        XCTAssertEqual(used.count, 1)
        XCTAssertEqual(error, UsherError(code: "http_503", message: "refused with HTTP 503", retryable: true, retryAfter: 7))
    }

    func testAPushIsReadFromTheUserInfoOfANotification() {
        let push = UsherPush(userInfo: ["id": "e-1", "type": "note", "userId": "ann", "epoch": "e1", "offset": "3", "aps": ["badge": 1]])
        XCTAssertEqual(push?.position, UsherPosition(epoch: "e1", offset: 3))
        for offset in ["0", "-1", "\(Int.min)", "9007199254740992", "3.5", ""] {
            let push = UsherPush(userInfo: ["id": "e-1", "type": "note", "userId": "ann", "epoch": "e1", "offset": offset])
            XCTAssertEqual(push?.id, "e-1")
            XCTAssertNil(push?.position, offset)
        }
        XCTAssertNil(UsherPush(userInfo: ["aps": [:]]))
        XCTAssertEqual(UsherPush.cleared(by: ["clear": "e-1"]), "e-1")
    }
}

/// Every wait is over at once.
private struct HastyClock: UsherClock {
    var wallMs: Int { SystemClock().wallMs }
    var elapsedMs: Int { SystemClock().elapsedMs }
    func sleep(ms: Int) async throws {}
}
