import Foundation

/// What `Usher.connect` needs to know.
public struct UsherConfiguration: Sendable {
    /// Where Usher is, e.g. `https://usher.example.com`. A path is kept (`https://example.com/usher`).
    public let url: URL
    /// Identifies this installation of the app. Choose it once and keep it.
    public var deviceId: String
    /// `ios`, `android`, `web` or `tv`.
    public var platform: String
    /// Where the user's token comes from.
    public var token: UsherToken
    public var appVersion: String?
    /// The person within the account; nil: the server's default, `main`.
    public var profileId: String?
    /// Where the position is stored: in the app's preferences by default.
    public var positions: any PositionStore = UserDefaultsPositionStore()
    /// How WebSockets are opened. `URLSessionTransport(session:)` shares a session of yours; nil: each client has its own.
    public var transport: (any UsherTransport)?
    /// Seconds after which a handler is cancelled, and its event counts as handled. A day at most.
    public var handlerTimeout: TimeInterval = 60
    /// For tests.
    public var clock: any UsherClock = SystemClock()
    /// Returns a number from 0 up to but not including 1. For tests.
    public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    /// Throws `UsherError` with the code `invalid_url` if the address is no `http` or `https` one.
    public init(url: URL, deviceId: String, platform: String, token: UsherToken) throws {
        guard let address = normalizeURL(url), let socketURL = makeSocketURL(address) else {
            throw UsherError(code: "invalid_url", message: "not an http or https address", retryable: false)
        }
        self.url = url
        self.address = address
        self.socketURL = socketURL
        self.deviceId = deviceId
        self.platform = platform
        self.token = token
    }

    /// The address as it is spelled in the names of stored positions.
    let address: String
    let socketURL: URL

    /// Returns a token. Throws what the provider throws, or `timeout` after so long.
    @UsherActor
    func fetchToken(within ms: Int) async throws -> String {
        try await runWithTimeout(within: ms, on: clock, else: .timeout("no token in time")) { [token] in try await token.fetch() }
    }
}

/// `http` becomes `ws`, and `https` `wss`.
private func makeSocketURL(_ address: String) -> URL? {
    URL(string: "ws" + address.dropFirst("http".count) + "/socket.io/?EIO=4&transport=websocket")
}
