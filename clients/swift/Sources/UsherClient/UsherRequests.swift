import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What a device says and asks by plain HTTP: in a notification service extension, after a tap on a push, at sign-in and sign-out. A socket with
/// the same device id would supersede the app's. Every call fails with `UsherError`; one that is `retryable` may be made again.
public struct UsherRequests: Sendable {
    /// Of a whole call: fetching the token, the request, and the same again if the token was refused.
    private static let timeoutMs = 15_000

    private let configuration: UsherConfiguration
    private let session: URLSession

    /// - Parameter session: one of yours, whose proxy and certificates apply
    public init(_ configuration: UsherConfiguration, session: URLSession = .shared) {
        self.configuration = configuration
        self.session = session
    }

    /// Registers this device, with its APNs address if there is one, which is taken from a user who was signed in here before. Call it after each
    /// sign-in and whenever the system names an address. What is nil is removed.
    public func registerDevice(apnsToken: Data?, name: String? = nil) async throws {
        var device: [String: JSONValue] = [
            "platform": .string(configuration.platform), "timezone": .string(TimeZone.current.identifier),
            "locale": .string(languageTag(Locale.current.identifier)),
        ]
        if let name { device["name"] = .string(name) }
        if let appVersion = configuration.appVersion { device["appVersion"] = .string(appVersion) }
        if let apnsToken {
            let address = apnsToken.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            device["push"] = ["kind": "apns", "address": .string(address)]
        }
        _ = try await call("PUT", devicePath, body: .object(device))
    }

    /// Removes this device of this user: call it at sign-out. No push is sent to it any more.
    public func removeDevice() async throws { _ = try await call("DELETE", devicePath) }

    /// Tells the server that a person has seen these events, e.g. by a tap on a push.
    public func seen(eventIds: [String]) async throws { try await receipt("seen", eventIds) }

    /// Tells the server that the app has acted on these events.
    public func applied(eventIds: [String]) async throws { try await receipt("applied", eventIds) }

    /// Fetches the event that a push announces. Nil if it was superseded or has expired meanwhile, or the push names no position.
    public func event(of push: UsherPush) async throws -> Envelope? {
        guard let position = push.position else { return nil }
        let query = [
            URLQueryItem(name: "epoch", value: position.epoch), URLQueryItem(name: "after", value: String(position.offset - 1)),
            URLQueryItem(name: "limit", value: "1"),
        ]
        let page = try await call("GET", ["v1", "me", "entries"], query: query)
        return page["entries"]?.elements.first.flatMap { Envelope($0) }.flatMap { $0.id == push.id ? $0 : nil }
    }

    private var devicePath: [String] { ["v1", "me", "devices", configuration.deviceId] }

    private func receipt(_ state: String, _ eventIds: [String]) async throws {
        let ids = JSONValue.array(eventIds.map(JSONValue.string))
        let body: JSONValue = ["deviceId": .string(configuration.deviceId), "ids": ids, "state": .string(state)]
        _ = try await call("POST", ["v1", "me", "receipts"], body: body)
    }

    private func call(_ method: String, _ path: [String], query: [URLQueryItem] = [], body: JSONValue? = nil) async throws -> JSONValue {
        var request = URLRequest(url: try makeURL(path, query), timeoutInterval: TimeInterval(UsherRequests.timeoutMs) / 1_000)
        request.httpMethod = method
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = Data(body.text.utf8)
        }
        return try await runWithTimeout(
            within: UsherRequests.timeoutMs, on: configuration.clock, else: .timeout("no response in time")
        ) { [request] in
            do {
                return try await send(request)
            } catch let error as UsherError where error.isAboutToken && configuration.token.isRenewable {
                return try await send(request) // once, with another token
            }
        }
    }

    private func makeURL(_ path: [String], _ query: [URLQueryItem]) throws -> URL {
        var parts = URLComponents(string: configuration.address)
        parts?.percentEncodedPath += path.map { "/" + encodeURIComponent($0) }.joined()
        if !query.isEmpty { parts?.queryItems = query }
        guard let url = parts?.url else { throw UsherError(code: "invalid_url", message: "not an address", retryable: false) }
        return url
    }

    private func send(_ request: URLRequest) async throws -> JSONValue {
        let token: String
        do { token = try await configuration.token.fetch() } catch { throw UsherError(error, code: "token_unavailable") }
        var request = request
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        let (data, response): (Data, URLResponse)
        do { (data, response) = try await session.data(for: request, delegate: RedirectRefusal()) } catch { throw UsherError(error, code: "offline") }
        let value = JSONValue(parsing: Array(data)[...])
        guard let response = response as? HTTPURLResponse, (200..<300).contains(response.statusCode) else { throw refusal(response, value) }
        return value ?? .null
    }

    /// Errors are problems by RFC 9457. A proxy's has no code.
    private func refusal(_ response: URLResponse, _ problem: JSONValue?) -> UsherError {
        let response = response as? HTTPURLResponse
        let status = response?.statusCode ?? 0
        return UsherError(
            code: problem?["code"]?.string ?? "http_\(status)", message: problem?["detail"]?.string ?? "refused with HTTP \(status)",
            retryable: problem?["retryable"]?.bool ?? (status >= 500 || status == 429),
            retryAfter: response?.value(forHTTPHeaderField: "Retry-After").flatMap(TimeInterval.init)
        )
    }
}

/// A redirect is no response of Usher's, and where it leads must not get the token. Foundation on Linux ignores this, and follows.
private final class RedirectRefusal: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}

/// What Usher puts into a push beside its text (docs/CONTRACT.md, "Push").
public struct UsherPush: Sendable, Hashable {
    /// The id of the event.
    public let id: String
    public let type: String
    /// Ignore a push for somebody who is not signed in.
    public let userId: String
    /// The event's position in the user's mailbox; nil if the push names none that can be one.
    public let position: UsherPosition?

    /// Reads the `userInfo` of a notification. Nil if it is not one of Usher's events.
    public init?(userInfo: [AnyHashable: Any]) {
        guard let id = userInfo["id"] as? String, let type = userInfo["type"] as? String, let userId = userInfo["userId"] as? String else { return nil }
        self.id = id
        self.type = type
        self.userId = userId
        let offset = (userInfo["offset"] as? String).flatMap(Int.init)
        if let epoch = userInfo["epoch"] as? String, let offset, (1...JSONValue.maxSafeInteger).contains(offset) { position = UsherPosition(epoch: epoch, offset: offset) } else { position = nil }
    }

    /// The id of the event whose notification should be removed, in a background push that says so: it was seen on another device.
    public static func cleared(by userInfo: [AnyHashable: Any]) -> String? { userInfo["clear"] as? String }
}

/// Returns the BCP 47 tag of Foundation's identifier of a locale: "de-CH" of "de_CH@calendar=buddhist".
func languageTag(_ identifier: String) -> String {
    identifier.prefix { $0 != "@" }.replacingOccurrences(of: "_", with: "-")
}
