import Foundation

/// A JSON value. Numbers are doubles, as in JavaScript: whole numbers are exact up to 2^53.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The field of an object with this name; nil if there is none, or if this is no object.
    public subscript(name: String) -> JSONValue? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    /// The text, or nil if this is none.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The number, or nil if this is none.
    public var number: Double? { if case .number(let number) = self { number } else { nil } }

    /// The truth value, or nil if this is none.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements of an array; empty if this is none.
    public var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }

    /// Decodes the value as a type of yours. Throws `DecodingError` if it does not have the type's form.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// Parses a text. Returns nil if it is not JSON, or nested more than 100 levels deep.
    public init?(parsing text: String) {
        self.init(parsing: Array(text.utf8)[...])
    }

    init?(parsing bytes: ArraySlice<UInt8>) {
        var parser = JSONParser(bytes)
        guard let value = parser.parseDocument() else { return nil }
        self = value
    }

    /// The value as JSON text, with the fields of objects in the order of their names.
    public var text: String {
        var out = ""
        write(to: &out)
        return out
    }

    private func write(to out: inout String) {
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .number(let number): out += JSONValue.format(number)
        case .string(let text): JSONValue.quote(text, to: &out)
        case .array(let elements):
            out += "["
            for (n, element) in elements.enumerated() {
                if n > 0 { out += "," }
                element.write(to: &out)
            }
            out += "]"
        case .object(let fields):
            out += "{"
            for (n, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
                if n > 0 { out += "," }
                JSONValue.quote(field.key, to: &out)
                out += ":"
                field.value.write(to: &out)
            }
            out += "}"
        }
    }

    /// A whole number has no fraction, as JavaScript writes it. What JSON cannot carry (infinity) becomes null.
    private static func format(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        return Int(exactly: number).map(String.init) ?? "\(number)"
    }

    private static func quote(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(Dictionary(elements) { _, last in last }) }
}

extension JSONValue {
    /// The greatest whole number that JSON carries exactly everywhere.
    static let maxSafeInteger = 9_007_199_254_740_991

    /// A whole number from 0 on, as offsets are, or nil.
    var wholeNumber: Int? {
        guard let number, number >= 0, number <= Double(JSONValue.maxSafeInteger) else { return nil }
        return Int(exactly: number)
    }

    /// A number of seconds that a timer can be set to, from 1 to a day, or nil. With less, heartbeats would run hot.
    var seconds: Double? {
        guard let number, number >= 1, number <= 86_400 else { return nil }
        return number
    }

    /// True only for an object.
    var isObject: Bool { if case .object = self { true } else { false } }

    /// Decodes the value, or returns nil if it does not have the type's form.
    func decoded<T: Decodable>(as type: T.Type) -> T? { try? decode(type) }
}

/// True if both texts have the same bytes. Swift's `==` takes a composed and a decomposed "é" for the same, and the server does not: two
/// users, or two keys, would be taken for one.
func isSame(_ a: String, _ b: String) -> Bool {
    a == b && a.utf8.elementsEqual(b.utf8) // what differs, differs for both, and `==` is faster
}
