import Foundation

/// Where the user's token comes from.
public enum UsherToken: Sendable {
    /// Fetches a token: called for every connection, before the token expires, and once more when a token was refused. May throw: the client
    /// tries again with backoff.
    case provider(@Sendable () async throws -> String)

    /// A token that cannot be renewed, e.g. in a test or a script. The client closes when it is no longer valid.
    case fixed(String)

    var isRenewable: Bool { if case .provider = self { true } else { false } }

    func fetch() async throws -> String {
        switch self {
        case .provider(let fetch): try await fetch()
        case .fixed(let token): token
        }
    }
}

extension UsherToken: CustomStringConvertible, CustomReflectable {
    /// Without the token: what is printed or dumped often ends in a log.
    public var description: String { isRenewable ? "UsherToken.provider" : "UsherToken.fixed" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Returns the user id in a token without verifying it, or nil if the token cannot be read. It only selects the stored position, before the
/// server has said who the user is.
func readTokenSubject(_ token: String) -> String? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return nil }
    var base64 = parts[1].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
    guard let claims = Data(base64Encoded: base64) else { return nil }
    return JSONValue(parsing: Array(claims)[...])?["sub"]?.string
}
