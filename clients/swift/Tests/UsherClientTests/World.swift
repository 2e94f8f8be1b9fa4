import Foundation

@testable import UsherClient

/// The unsigned token of this name: `ann` or `ann/2`.
func createToken(_ name: String) -> String {
    let parts = name.split(separator: "/").map(String.init)
    var claims: [String: JSONValue] = ["sub": .string(parts[0])]
    if parts.count > 1 { claims["jti"] = .string(parts[1]) }
    let encoded = [#"{"alg":"none"}"#, JSONValue.object(claims).text].map { base64URL(Data($0.utf8)) }
    return encoded.joined(separator: ".") + ".x"
}

func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        .replacingOccurrences(of: "=", with: "")
}

/// What one scenario runs in: the app with the real client, its storage and tokens, and a record of what they did. Everything runs on the thread of
/// the test.
final class World: @unchecked Sendable {
    static let url = "https://usher.test"

    struct AppError: Error {}

    let time: VirtualTime
    var sockets: [FakeSocket] = []
    private(set) var client: Usher!
    private(set) var heard: [String] = []
    private(set) var acked: [String] = []
    private(set) var log: [String] = []
    private(set) var errors: [String] = []
    private(set) var offline: [String] = []
    private(set) var refused: String?
    private(set) var callsOk = 0
    private(set) var callsFailed: [String: Int] = [:]
    private(set) var retryable: [String: Bool] = [:]
    private(set) var tokens = 0
    private(set) var problems: [String] = []
    var handler = "works"
    var storageFails = false
    private let random: Double
    private let isFixed: Bool
    private var token: String
    private var items: [String: String] = [:]
    private var awaited: [CheckedContinuation<Void, Never>] = []
    private var run = 0

    init(_ time: VirtualTime, given: JSONValue) throws {
        self.time = time
        random = given["random"]?.number ?? 0.5
        token = given["token"]?.string ?? "ann"
        isFixed = given["fixedToken"]?.bool == true
        for (user, position) in given["stored"]?.fields ?? [:] { items[storageName(url: World.url, userId: user, deviceId: "tv")] = position.text }
        try start()
    }

    /// The app ends without closing its client. Nothing that this one does from now on counts.
    func restart() throws {
        let (former, lastSocket) = (client, sockets.last { $0.isOpen })
        try start()
        try lastSocket?.cut()
        former?.close()
    }

    func setToken(_ name: String) {
        token = name
        guard name != "hangs" else { return }
        for continuation in awaited { continuation.resume() }
        awaited = []
    }

    func call<Success>(_ task: Task<Success, any Error>) {
        Task {
            do {
                _ = try await task.value
                callsOk += 1
            } catch {
                callsFailed[code(of: error), default: 0] += 1
                retryable[code(of: error)] = (error as? UsherError)?.retryable
            }
        }
    }

    func stored(for userId: String) -> StoredPosition? {
        items[storageName(url: World.url, userId: userId, deviceId: "tv")].flatMap { StoredPosition(JSONValue(parsing: $0)) }
    }

    func close() {
        client.close()
        setToken("ann")
        time.settle()
    }

    private func start() throws {
        run += 1
        let mine = run
        let isCurrent = { @Sendable [unowned self] in run == mine }
        let fetch = { @Sendable [unowned self] in try await fetchToken(counts: isCurrent()) }
        var configuration = try UsherConfiguration(
            url: URL(string: World.url)!, deviceId: "tv", platform: "tv", token: isFixed ? .fixed(createToken(token)) : .provider(fetch)
        )
        configuration.positions = Positions(world: self, isCurrent: isCurrent)
        configuration.transport = Dialling { [unowned self] url in connect(to: url, counts: isCurrent()) }
        configuration.clock = time
        configuration.random = { [random] in random }
        client = Usher.connect(configuration) { usher in
            usher.onAny { [unowned self] event in if isCurrent() { try hear(event) } }
            let signals = usher.signals
            Task { for await signal in signals where isCurrent() { self.record(signal) } }
        }
    }

    private func connect(to url: URL, counts: Bool) -> FakeSocket {
        if url.absoluteString != "wss://usher.test/socket.io/?EIO=4&transport=websocket" { problems.append("dialled \(url)") }
        let socket = FakeSocket(time) { [unowned self] payload in
            let name = payload["broadcast"] == nil ? payload["offset"]?.text : payload["id"]?.string
            guard counts, let name else { return }
            acked.append(name)
            log.append("acked \(name)")
        }
        if counts { sockets.append(socket) }
        return socket
    }

    private func fetchToken(counts: Bool) async throws -> String {
        if counts { tokens += 1 }
        if token == "fails" { throw AppError() }
        if token == "hangs" { await withCheckedContinuation { awaited.append($0) } }
        return createToken(token)
    }

    private func hear(_ event: Envelope) throws {
        let name = event.offset.map(String.init) ?? event.id
        heard.append(name)
        log.append("heard \(name)")
        if handler == "closes" { client.close() }
        if handler == "throws" { throw AppError() }
    }

    private func record(_ signal: UsherSignal) {
        switch signal {
        case .offline(let error): offline.append(error.code)
        case .refused(let error): refused = error.code
        case .failure(let error): errors.append(code(of: error))
        }
    }

    private func code(of error: any Error) -> String { (error as? UsherError)?.code ?? "app" }

    private struct Positions: PositionStore {
        let world: World
        let isCurrent: @Sendable () -> Bool

        func text(named name: String) -> String? { world.items[name] }

        func store(_ text: String, named name: String) throws {
            guard isCurrent() else { return }
            if world.storageFails { throw AppError() }
            world.log.append("stored \(JSONValue(parsing: text)?["offset"]?.text ?? "")")
            world.items[name] = text
        }
    }
}

/// A transport that a test makes of a function.
struct Dialling: UsherTransport {
    let dial: @Sendable (URL) -> any UsherWebSocket

    func connect(to url: URL) -> any UsherWebSocket { dial(url) }
}
