/// Owns the timers of one client, one per name. After `stop` none fires and none can be set.
@UsherActor
final class Timers {
    private let clock: any UsherClock
    private var running: [String: Task<Void, Never>] = [:]
    private var isStopped = false

    init(_ clock: any UsherClock) { self.clock = clock }

    /// Calls `fire` once after the time. Replaces the timer of the same name.
    func set(_ name: String, ms: Int, _ fire: @escaping @UsherActor () -> Void) {
        clear(name)
        guard !isStopped else { return }
        running[name] = Task { [clock] in
            try? await clock.sleep(ms: ms)
            guard !Task.isCancelled else { return }
            self.running[name] = nil
            fire()
        }
    }

    func clear(_ name: String) { running.removeValue(forKey: name)?.cancel() }

    func stop() {
        isStopped = true
        for name in Array(running.keys) { clear(name) }
    }
}
