/// Parses JSON as RFC 8259 says. Foundation's parsers differ between platforms in how they tell numbers from truth values, and in what
/// they do with deep nesting; this one is the same everywhere.
struct JSONParser {
    /// Event data has at most 32 levels, and a snapshot a few more. Deeper input would overflow the stack.
    private static let maxDepth = 100

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var depth = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    /// Returns the only value of the input, or nil if the input is not JSON.
    mutating func parseDocument() -> JSONValue? {
        guard let value = parseValue() else { return nil }
        skipSpace()
        return at == bytes.endIndex ? value : nil
    }

    private var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func parseValue() -> JSONValue? {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return nested { $0.parseObject() }
        case UInt8(ascii: "["): return nested { $0.parseArray() }
        case UInt8(ascii: "\""): return parseString().map(JSONValue.string)
        case UInt8(ascii: "t"): return parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return parseWord("null", .null)
        default: return parseNumber()
        }
    }

    private mutating func nested(_ parse: (inout JSONParser) -> JSONValue?) -> JSONValue? {
        at += 1
        depth += 1
        defer { depth -= 1 }
        return depth > JSONParser.maxDepth ? nil : parse(&self)
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) -> JSONValue? {
        let end = at + word.utf8CodeUnitCount
        guard end <= bytes.endIndex else { return nil }
        let isEqual = word.withUTF8Buffer { bytes[at..<end].elementsEqual($0) }
        at = end
        return isEqual ? value : nil
    }

    private mutating func parseObject() -> JSONValue? {
        var fields: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(fields) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\""), let name = parseString() else { return nil }
            skipSpace()
            guard take(UInt8(ascii: ":")), let value = parseValue() else { return nil }
            fields[name] = value
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(fields) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func parseArray() -> JSONValue? {
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            guard let value = parseValue() else { return nil }
            elements.append(value)
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func parseNumber() -> JSONValue? {
        let start = at
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard skipDigits() else { return nil } }
        if take(UInt8(ascii: ".")) { guard skipDigits() else { return nil } }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            guard skipDigits() else { return nil }
        }
        return Double(String(decoding: bytes[start..<at], as: UTF8.self)).map(JSONValue.number)
    }

    /// Returns false if there is no digit.
    private mutating func skipDigits() -> Bool {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        return at > start
    }

    private mutating func parseString() -> String? {
        at += 1
        var out: [UInt8] = []
        var start = at
        while let byte = next {
            if byte == UInt8(ascii: "\"") {
                defer { at += 1 }
                if out.isEmpty { return String(decoding: bytes[start..<at], as: UTF8.self) } // the usual case: no escapes
                out += bytes[start..<at]
                return String(decoding: out, as: UTF8.self)
            }
            guard byte >= 0x20 else { return nil }
            at += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            out += bytes[start..<(at - 1)]
            guard let scalar = parseEscape() else { return nil }
            out += Array(String(Character(scalar)).utf8)
            start = at
        }
        return nil
    }

    private mutating func parseEscape() -> Unicode.Scalar? {
        guard let byte = next else { return nil }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return parseUnicode()
        default: return nil
        }
    }

    /// Half of a surrogate pair, which Swift's strings cannot hold, becomes U+FFFD.
    private mutating func parseUnicode() -> Unicode.Scalar? {
        guard let first = parseHex() else { return nil }
        guard (0xD800...0xDBFF).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        let before = at
        if take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let second = parseHex(), (0xDC00...0xDFFF).contains(second) {
            return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        }
        at = before
        return "\u{FFFD}"
    }

    private mutating func parseHex() -> UInt32? {
        guard at + 4 <= bytes.endIndex else { return nil }
        var value: UInt32 = 0
        for byte in bytes[at..<(at + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 + UInt32(digit)
        }
        at += 4
        return value
    }
}
