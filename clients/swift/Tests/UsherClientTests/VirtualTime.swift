import Foundation

@testable import UsherClient

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

private typealias EnqueueOriginal = @convention(thin) (UnownedJob) -> Void
private typealias EnqueueHook = @convention(thin) (UnownedJob, EnqueueOriginal) -> Void

/// The runtime's hook for every job that becomes ready outside of the main actor.
private nonisolated(unsafe) let enqueueHook: UnsafeMutablePointer<EnqueueHook?> = {
    guard let symbol = dlsym(dlopen(nil, 0), "swift_task_enqueueGlobal_hook") else { fatalError("this Swift runtime has no hook") }
    return symbol.assumingMemoryBound(to: EnqueueHook?.self)
}()

private let ready = Locked<[UnownedJob]>([])

/// What jobs run on: the thread of the test.
private final class TestThread: SerialExecutor {
    static let shared = TestThread()

    func enqueue(_ job: UnownedJob) { ready.withLock { $0.append(job) } }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

/// A clock that a test moves, and Swift's concurrency on the thread of the test: while `run` lasts, no task runs but in `settle` and `advance`,
/// always in the same order.
final class VirtualTime: UsherClock, @unchecked Sendable {
    static let startMs = parseTime("2026-01-01T00:00:00.000Z") ?? 0

    private struct Alarm {
        let id: Int
        let dueMs: Int
        let ring: () -> Void
    }

    private var awakeMs = 0
    private var sleptMs = 0
    private var setByMs = 0
    private var alarms: [Alarm] = []
    private var lastId = 0

    var elapsedMs: Int { awakeMs + sleptMs }

    var wallMs: Int { nowMs + setByMs }

    /// The true time, as the server has it.
    var nowMs: Int { VirtualTime.startMs + elapsedMs }

    /// True if anything waits for the clock.
    var hasAlarms: Bool { !alarms.isEmpty }

    /// Calls `body`, and runs what it left behind.
    static func run(_ body: (VirtualTime) throws -> Void) rethrows {
        let time = VirtualTime()
        enqueueHook.pointee = { job, _ in ready.withLock { $0.append(job) } }
        defer {
            time.settle()
            enqueueHook.pointee = nil
        }
        try body(time)
    }

    /// Runs everything that needs no time, until nothing is left to run.
    func settle() {
        while let job = ready.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            job.runSynchronously(on: TestThread.shared.asUnownedSerialExecutor())
        }
    }

    /// Moves the clock, and lets what becomes due happen one by one, each at its time.
    func advance(ms: Int) {
        settle()
        let end = awakeMs + ms
        while let next = alarms.min(by: { ($0.dueMs, $0.id) < ($1.dueMs, $1.id) }), next.dueMs <= end {
            alarms.removeAll { $0.id == next.id }
            awakeMs = next.dueMs
            next.ring()
            settle()
        }
        awakeMs = end
    }

    /// The device sleeps: nothing becomes due.
    func advanceAsleep(ms: Int) { sleptMs += ms }

    /// The system's clock is set.
    func setClock(ms: Int) { setByMs += ms }

    /// Calls `ring` after so long. Returns what stops it.
    @discardableResult
    func schedule(ms: Int, _ ring: @escaping () -> Void) -> () -> Void {
        lastId += 1
        let id = lastId
        alarms.append(Alarm(id: id, dueMs: awakeMs + max(0, ms), ring: ring))
        return { self.alarms.removeAll { $0.id == id } }
    }

    func sleep(ms: Int) async throws {
        let stop = Locked<() -> Void>({})
        let sleeper = Locked<CheckedContinuation<Void, any Error>?>(nil)
        let wake = { @Sendable (error: (any Error)?) in
            let continuation = sleeper.withLock { sleeper in
                defer { sleeper = nil }
                return sleeper
            }
            if let error { continuation?.resume(throwing: error) } else { continuation?.resume() }
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                sleeper.withLock { $0 = continuation }
                if Task.isCancelled { return wake(CancellationError()) }
                let stopAlarm = schedule(ms: ms) { wake(nil) }
                stop.withLock { $0 = stopAlarm }
            }
        } onCancel: {
            stop.withLock { $0 }()
            wake(CancellationError())
        }
    }
}
