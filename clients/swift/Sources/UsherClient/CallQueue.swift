/// Runs the app's calls on the client's actor, in the order in which they were made: tasks of different priority would overtake each other.
final class CallQueue: Sendable {
    typealias Call = @UsherActor (ClientCore) -> Void

    private let makeCore: @UsherActor @Sendable () -> ClientCore
    private let waiting = Locked<[Call]>([])
    @UsherActor private var core: ClientCore?

    init(_ makeCore: @escaping @UsherActor @Sendable () -> ClientCore) { self.makeCore = makeCore }

    func post(_ call: @escaping Call) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(call)
            return waiting.count == 1
        }
        if isFirst { Task { await self.runAll() } }
    }

    @UsherActor
    private func runAll() {
        let calls = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let core = self.core ?? makeCore()
        self.core = core
        for call in calls { call(core) }
    }
}
