// Times as the contract writes them. Foundation's formatters differ between platforms in which fractions they take, and the older one is not
// `Sendable`.

/// The longest time that the client waits for anything: a day, in ms.
let maxWaitMs = 86_400_000

/// Returns seconds as whole ms that a timer can be set to: from 0 to a day.
func milliseconds(_ seconds: Double) -> Int { Int(max(0, min(seconds * 1_000, Double(maxWaitMs)))) }

/// Returns ms since 1970 of an ISO 8601 time with a UTC offset (`2026-01-01T00:00:00.000Z`), or nil if it cannot be read.
func parseTime(_ text: String?) -> Int? {
    guard let text else { return nil }
    var scanner = TimeScanner(text)
    guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"), let day = scanner.digits(2),
        scanner.take("T"), let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2),
        scanner.take(":"), let second = scanner.digits(2), let ms = scanner.milliseconds(), let offset = scanner.offsetMinutes(),
        scanner.isAtEnd, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
    else { return nil }
    let minutes = daysSince1970(year: year, month: month, day: day) * 1_440 + hour * 60 + minute - offset
    return (minutes * 60 + second) * 1_000 + ms
}

/// Returns the time as ISO 8601 in UTC with exactly three decimals.
func formatTime(_ epochMs: Int) -> String {
    let (days, msOfDay) = epochMs.quotientAndRemainder(floored: 86_400_000)
    let (year, month, day) = civilDate(daysSince1970: days)
    func pad(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let time = [msOfDay / 3_600_000, msOfDay / 60_000 % 60, msOfDay / 1_000 % 60].map { pad($0) }.joined(separator: ":")
    return "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(time).\(pad(msOfDay % 1_000, 3))Z"
}

private struct TimeScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let first = rest.first, UInt32(first) == character.value else { return false }
        rest.removeFirst()
        return true
    }

    mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The fraction of a second in ms, 0 without one.
    mutating func milliseconds() -> Int? {
        guard take(".") else { return 0 }
        guard var value = digit() else { return nil }
        for _ in 0..<2 { value = value * 10 + (digit() ?? 0) }
        while digit() != nil {} // finer than we count
        return value
    }

    /// `Z`, or hours and minutes from UTC.
    mutating func offsetMinutes() -> Int? {
        if take("Z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = digits(2) else { return nil }
        _ = take(":")
        guard let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (isWest ? -1 : 1)
    }

    private mutating func digit() -> Int? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest.removeFirst()
        return Int(byte - UInt8(ascii: "0"))
    }
}

// The Gregorian calendar in 400-year cycles of 146,097 days, each year beginning in March, so that the leap day is its last.

private let daysOfCycle = 146_097
private let daysFromYear0To1970 = 719_468

private func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let (cycle, yearOfCycle) = shifted.quotientAndRemainder(floored: 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return cycle * daysOfCycle + yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear - daysFromYear0To1970
}

private func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let (cycle, day) = (days + daysFromYear0To1970).quotientAndRemainder(floored: daysOfCycle)
    let yearOfCycle = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
}

extension Int {
    /// Division that rounds down, with a remainder from 0 on.
    fileprivate func quotientAndRemainder(floored divisor: Int) -> (Int, Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
