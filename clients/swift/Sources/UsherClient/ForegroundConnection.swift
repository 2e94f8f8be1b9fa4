// Not compiled where this project is tested: Apple's frameworks are only on Apple's platforms.
#if canImport(UIKit) && canImport(Network) && !os(watchOS)
    import Combine
    import Network
    import UIKit

    /// Keeps a client connected while the app is on the screen. A while after it left the screen the client is closed, and the device is pushed to
    /// like any sleeping one. It is connected anew, and hears what it missed, when the app comes back. Lives as long as the app.
    @MainActor
    @available(iOSApplicationExtension, unavailable)
    @available(tvOSApplicationExtension, unavailable)
    public final class ForegroundConnection: ObservableObject {
        /// A short look at another app must not cost a reconnect. The system lets an app run for some 30 s after it left the screen.
        private static let graceNanoseconds: UInt64 = 20_000_000_000

        /// The client; nil while the app is in the background. One that was refused for good is closed, and replaced when the app comes back.
        @Published public private(set) var usher: Usher?
        private let connect: @MainActor () -> Usher?
        private let network = NWPathMonitor()
        private var isOnScreen = true
        private var closing: Task<Void, Never>?
        private var backgroundTask = UIBackgroundTaskIdentifier.invalid

        /// - Parameter connect: calls `Usher.connect` with all handlers; each time for whoever is signed in then. Returns nil if nobody is.
        public init(connect: @escaping @MainActor () -> Usher?) {
            self.connect = connect
            observe(UIApplication.willEnterForegroundNotification) { $0.enterScreen() }
            observe(UIApplication.didEnterBackgroundNotification) { $0.leaveScreen() }
            network.pathUpdateHandler = { [weak self] path in
                if path.status == .satisfied { Task { @MainActor in self?.usher?.networkAvailable() } }
            }
            network.start(queue: .main)
            if UIApplication.shared.applicationState == .background { isOnScreen = false } else { usher = connect() }
        }

        /// Another user signed in, or nobody is any more: closes, and connects again if the app is on the screen.
        public func accountChanged() {
            usher?.close()
            usher = isOnScreen ? connect() : nil
        }

        private func enterScreen() {
            isOnScreen = true
            closing?.cancel()
            endBackgroundTask()
            if usher == nil || usher?.state.connection == .closed { usher = connect() }
        }

        private func leaveScreen() {
            isOnScreen = false
            endBackgroundTask()
            backgroundTask = UIApplication.shared.beginBackgroundTask { [weak self] in self?.endBackgroundTask() }
            closing?.cancel()
            closing = Task { [weak self] in
                try? await Task.sleep(nanoseconds: ForegroundConnection.graceNanoseconds)
                if !Task.isCancelled { await self?.close() }
            }
        }

        /// Returns when the connection is closed: the system suspends the app after it.
        private func close() async {
            guard let closed = usher else { return endBackgroundTask() }
            usher = nil
            let states = closed.states
            closed.close()
            for await _ in states {}
            if !isOnScreen { endBackgroundTask() }
        }

        private func endBackgroundTask() {
            UIApplication.shared.endBackgroundTask(backgroundTask)
            backgroundTask = .invalid
        }

        private func observe(_ name: Notification.Name, _ act: @escaping @MainActor @Sendable (ForegroundConnection) -> Void) {
            _ = NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) { [weak self] _ in
                MainActor.assumeIsolated { if let self { act(self) } }
            }
        }
    }
#endif
