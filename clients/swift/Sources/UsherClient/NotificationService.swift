// Not compiled where this project is tested: Apple's frameworks are only on Apple's platforms.
#if canImport(UserNotifications) && !os(tvOS)
    import UserNotifications

    /// A notification service extension that fetches the event of a push by HTTP before it is shown. Subclass it in the extension's target.
    open class UsherNotificationService: UNNotificationServiceExtension, @unchecked Sendable {
        private struct Pending {
            let content: UNMutableNotificationContent
            let handler: (UNNotificationContent) -> Void
        }

        private let pending = Locked<Pending?>(nil)

        /// Returns what to ask with, or nil if this user is not signed in. The extension and the app share their token by an app group.
        open func requests(for userId: String) -> UsherRequests? { nil }

        /// Changes what is shown.
        open func update(_ content: UNMutableNotificationContent, with event: Envelope) {}

        override open func didReceive(
            _ request: UNNotificationRequest, withContentHandler contentHandler: @escaping (UNNotificationContent) -> Void
        ) {
            guard let content = request.content.mutableCopy() as? UNMutableNotificationContent else { return contentHandler(request.content) }
            pending.withLock { $0 = Pending(content: content, handler: contentHandler) }
            guard let push = UsherPush(userInfo: content.userInfo), let requests = requests(for: push.userId) else { return show() }
            Task {
                let event = try? await requests.event(of: push)
                guard let shown = take() else { return } // the time was up
                if let event { update(shown.content, with: event) }
                shown.handler(shown.content)
            }
        }

        /// The time is up: the push is shown as it came.
        override open func serviceExtensionTimeWillExpire() { show() }

        private func show() { if let shown = take() { shown.handler(shown.content) } }

        /// Whoever takes it shows it, once.
        private func take() -> Pending? {
            pending.withLock { pending in
                defer { pending = nil }
                return pending
            }
        }
    }
#endif
