import Foundation

/// Returns the name under which a user's position is stored on this device. User ids may contain the separator: unescaped, user `a:b` on device
/// `c` would share a name with user `a` on device `b:c`.
func storageName(url: String, userId: String, deviceId: String) -> String {
    ["usher", "position", url, userId, deviceId].map(encodeURIComponent).joined(separator: ":")
}

/// Returns the address as browsers write it, since it is part of the name under which the position is stored. Nil if it is no `http` or `https`
/// address.
func normalizeURL(_ url: URL) -> String? {
    guard let parts = URLComponents(url: url, resolvingAgainstBaseURL: true), let scheme = parts.scheme?.lowercased(),
        scheme == "http" || scheme == "https", let host = parts.host?.lowercased(), !host.isEmpty
    else { return nil }
    let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
    let isDefaultPort = parts.port == nil || parts.port == (scheme == "https" ? 443 : 80)
    let port = isDefaultPort ? "" : ":\(parts.port ?? 0)"
    let address = "\(scheme)://\(isBareIPv6 ? "[\(host)]" : host)\(port)\(parts.percentEncodedPath)"
    return String(address.reversed().drop { $0 == "/" }.reversed())
}

private let unescaped = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()".utf8)

/// The same as JavaScript's function of this name.
func encodeURIComponent(_ text: String) -> String {
    text.utf8.map { byte in
        if unescaped.contains(byte) { return String(Unicode.Scalar(byte)) }
        let hex = String(byte, radix: 16, uppercase: true)
        return hex.count < 2 ? "%0\(hex)" : "%\(hex)"
    }.joined()
}
