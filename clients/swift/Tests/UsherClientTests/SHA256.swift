/// What signs a test's tokens. CryptoKit is not on Linux, and a package for it would be this one's only dependency.
enum SHA256 {
    static func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let short = key.count > 64 ? digest(key) : key
        let padded = short + [UInt8](repeating: 0, count: 64 - short.count)
        return digest(padded.map { $0 ^ 0x5C } + digest(padded.map { $0 ^ 0x36 } + message))
    }

    static func digest(_ message: [UInt8]) -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: (119 - message.count % 64) % 64)
        let length = (0..<8).reversed().map { UInt8(UInt64(message.count * 8) >> ($0 * 8) & 0xFF) }
        let bytes = message + [0x80] + zeros + length
        var hash = firstHash
        for block in stride(from: 0, to: bytes.count, by: 64) { mix(&hash, bytes[block..<(block + 64)]) }
        return hash.flatMap { word in [24, 16, 8, 0].map { UInt8(word >> UInt32($0) & 0xFF) } }
    }

    private static func mix(_ hash: inout [UInt32], _ block: ArraySlice<UInt8>) {
        var words = (0..<16).map { n in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(block[block.startIndex + n * 4 + $1]) } }
        for n in 16..<64 {
            let (a, b) = (words[n - 15], words[n - 2])
            words.append(words[n - 16] &+ (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) &+ words[n - 7] &+ (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10))
        }
        var v = hash
        for n in 0..<64 {
            let sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let first = v[7] &+ sum1 &+ (v[4] & v[5] ^ ~v[4] & v[6]) &+ constants[n] &+ words[n]
            let sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let second = sum0 &+ (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2])
            v = [first &+ second, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
        }
        for n in 0..<8 { hash[n] = hash[n] &+ v[n] }
    }

    private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }

    /// The first bits of the square and cube roots of the first primes.
    private static let primes = (2...311).filter { n in !(2..<n).contains { n % $0 == 0 } }
    private static let firstHash = primes.prefix(8).map { fraction(of: Double($0).squareRoot()) }
    private static let constants = primes.prefix(64).map { fraction(of: cubeRoot(Double($0))) }

    private static func fraction(of number: Double) -> UInt32 { UInt32((number - number.rounded(.down)) * 4_294_967_296) }

    private static func cubeRoot(_ number: Double) -> Double {
        var root = number / 3
        for _ in 0..<60 { root -= (root * root * root - number) / (3 * root * root) }
        return root
    }
}
