import Foundation

@testable import UsherClient

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The development Usher of `USHER_URL`, as a back office and a sign-in see it.
struct LiveUsher: Sendable {
    let port: UInt16
    private let url: URL
    private let serviceKey: String
    private let jwtSecret: String

    /// Nil if the environment names none.
    static func fromEnvironment() throws -> LiveUsher? {
        let environment = ProcessInfo.processInfo.environment
        guard let text = environment["USHER_URL"], !text.isEmpty else { return nil }
        guard let url = URL(string: text), let key = environment["USHER_SERVICE_KEY"], let secret = environment["USHER_JWT_SECRET"] else {
            throw Failure("USHER_SERVICE_KEY and USHER_JWT_SECRET are needed too")
        }
        return LiveUsher(port: UInt16(url.port ?? 80), url: url, serviceKey: key, jwtSecret: secret)
    }

    /// Returns a user token that lives for so many seconds.
    func token(_ userId: String, seconds: Int = 3_600) -> String {
        let now = Int(Date().timeIntervalSince1970)
        let claims: JSONValue = [
            "sub": .string(userId), "aud": "usher", "iat": .number(Double(now)), "exp": .number(Double(now + seconds)),
        ]
        let signed = [#"{"alg":"HS256","typ":"JWT"}"#, claims.text].map { base64URL(Data($0.utf8)) }.joined(separator: ".")
        return signed + "." + base64URL(Data(SHA256.hmac(Array(signed.utf8), key: Array(jwtSecret.utf8))))
    }

    /// Publishes events of type `note` with these numbers as data, each with a key of its own unless one is given.
    func publish(_ userId: String, _ numbers: ClosedRange<Int>, fields: JSONValue = [:]) async throws {
        let events = numbers.map { n -> JSONValue in
            let event: JSONValue = [
                "userId": .string(userId), "type": "note", "tier": "important", "key": .string("note:\(n)"), "data": ["n": .number(Double(n))],
            ]
            return event.with(fields)
        }
        let body = JSONValue.object(["events": .array(events)])
        let (status, _) = try await call("POST", "v1/events", token: serviceKey, body: body)
        guard status == 202 else { throw Failure("publishing was refused with HTTP \(status)") }
    }

    /// Returns the response of `GET /v1/me/state`.
    func state(of userId: String) async throws -> JSONValue {
        try await call("GET", "v1/me/state", token: token(userId)).1
    }

    private func call(_ method: String, _ path: String, token: String, body: JSONValue? = nil) async throws -> (Int, JSONValue) {
        var request = URLRequest(url: url.appendingPathComponent(path), timeoutInterval: 10)
        request.httpMethod = method
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = body.map { Data($0.text.utf8) }
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, JSONValue(parsing: String(decoding: data, as: UTF8.self)) ?? .null)
    }
}
