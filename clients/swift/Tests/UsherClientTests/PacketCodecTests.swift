import Foundation
import XCTest

@testable import UsherClient

/// Properties of the codec, each tried with 2,000 random values. The seed is in the message of what fails.
final class PacketCodecTests: XCTestCase {
    private static let runs: UInt64 = 2_000

    func testAnEventThatIsEncodedIsDecodedAsTheSame() {
        forAll { random in
            let id = Bool.random(using: &random) ? Int.random(in: 0..<1_000_000_000, using: &random) : nil
            let frame = Frame(name: randomText(&random), payload: randomJSON(&random, depth: 4), ackId: id)
            return PacketCodec.decode(PacketCodec.encodeFrame(frame)) == .frame(frame)
        }
    }

    func testAnAcknowledgementThatIsEncodedIsDecodedAsTheSame() {
        forAll { random in
            let id = Int.random(in: 0..<1_000_000_000, using: &random)
            return PacketCodec.decode(PacketCodec.encodeAck(id: id)) == .ack(id: id, payload: nil)
        }
    }

    func testJSONIsReadAsFoundationReadsIt() {
        forAll { random in
            let value = randomJSON(&random, depth: 4)
            guard let read = try? JSONDecoder().decode([JSONValue].self, from: Data("[\(value.text)]".utf8)) else { return false }
            return JSONValue(parsing: value.text) == value && read == [value]
        }
    }

    func testNoTextMakesTheDecoderTrap() {
        forAll { random in
            let text = PacketCodec.encodeFrame(Frame(name: "note", payload: randomJSON(&random, depth: 3), ackId: 7))
            var bytes = Array(text.utf8)
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = PacketCodec.decode(String(decoding: bytes, as: UTF8.self))
            _ = PacketCodec.decode(String(text.prefix(Int.random(in: 0...text.count, using: &random))))
            _ = PacketCodec.decode("4\(Int.random(in: 0...9, using: &random))" + randomText(&random))
            _ = PacketCodec.decode(randomText(&random))
            return true
        }
    }

    func testAnIdThatNoServerCountsUpToIsRefused() {
        XCTAssertNil(PacketCodec.decode("42" + String(repeating: "9", count: 400) + #"["note",{}]"#))
    }

    func testTimesThatNoTimerCanHoldAreADay() {
        let open = #"0{"pingInterval":9007199254740991,"pingTimeout":9007199254740991}"#
        XCTAssertEqual(PacketCodec.decode(open), .open(pingIntervalMs: 86_400_000, pingTimeoutMs: 86_400_000))
    }

    func testJSONThatIsNestedTooDeeplyIsRefusedWithoutAnOverflow() {
        let (open, close) = (String(repeating: "[", count: 100_000), String(repeating: "]", count: 100_000))
        XCTAssertNil(PacketCodec.decode("42[\"note\",\(open)\(close)]"))
        XCTAssertNil(PacketCodec.decode("42[\"note\",\(open)"))
        let levels = (String(repeating: "[", count: 99), String(repeating: "]", count: 99))
        XCTAssertNotNil(PacketCodec.decode("42[\"note\",\(levels.0)\(levels.1)]"))
    }

    func testTextsThatAreNotJSONAreRefused() {
        for text in ["", " ", "01", "-", "1.", "1e", "+1", ".5", "tru", "nulll", "[1,]", "{\"a\":1,}", "{a:1}", "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "\"", "[1 2]", "1 1"] {
            XCTAssertNil(JSONValue(parsing: text), text)
        }
        XCTAssertEqual(JSONValue(parsing: #" { "a" : [ -0.5e+2 , "\ud83c\udf27\u00fc\/" , null , true ] } "#), ["a": [-50, "🌧ü/", .null, true]])
        XCTAssertEqual(JSONValue(parsing: #""\ud83cx\udf27""#), "\u{FFFD}x\u{FFFD}")
    }

    func testTimesAreReadAndWrittenAsFoundationDoes() throws {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        forAll { random in
            let ms = Int.random(in: -60_000_000_000_000...60_000_000_000_000, using: &random) // some 1,900 years around 1970
            let text = formatTime(ms)
            // The Gregorian calendar is Foundation's only since 1582.
            let isComparable = ms > -12_000_000_000_000
            return parseTime(text) == ms
                && (!isComparable || formatter.date(from: text).map { Int(($0.timeIntervalSince1970 * 1_000).rounded()) } == ms)
        }
        XCTAssertEqual(formatTime(0), "1970-01-01T00:00:00.000Z")
        XCTAssertEqual(parseTime("2026-01-01T01:30:00.1234567+01:30"), parseTime("2026-01-01T00:00:00.123Z"))
        for text in ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00Zx"] {
            XCTAssertNil(parseTime(text), text)
        }
    }

    private func forAll(_ holds: (inout SeededRandom) -> Bool, line: UInt = #line) {
        for seed in 0..<PacketCodecTests.runs {
            var random = SeededRandom(state: seed)
            guard holds(&random) else { return XCTFail("seed \(seed)", line: line) }
        }
    }
}

/// SplitMix64: the same values for the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private func randomText(_ random: inout SeededRandom) -> String {
    let pieces = ["\"", "\\", "\n", "\u{01}", "ü", "雨", "🌧", "[", "]", "{", "0", "a", "b", "c"]
    return (0..<Int.random(in: 0..<12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
}

private func randomJSON(_ random: inout SeededRandom, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth == 0 ? 5 : 7), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .number(Double(Int.random(in: -1_000_000_000_000...1_000_000_000_000, using: &random)))
    case 3: return .number(Double.random(in: -1e9...1e9, using: &random))
    case 4: return .string(randomText(&random))
    case 5: return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in randomJSON(&random, depth: depth - 1) })
    default:
        let pairs = (0..<Int.random(in: 0..<4, using: &random)).map { _ in (randomText(&random), randomJSON(&random, depth: depth - 1)) }
        return .object(Dictionary(pairs) { _, last in last })
    }
}
