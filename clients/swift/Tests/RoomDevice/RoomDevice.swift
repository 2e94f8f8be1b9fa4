import Foundation
import LoopbackTransport
import UsherClient

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The Swift client as a device of `npm run test:room`: orders on the standard input, lines on the standard output (tools/room/programs.mjs).
@main
enum Room {
    static func main() throws {
        let device = try RoomDevice(ProcessInfo.processInfo.environment)
        say(["ready": true])
        while let line = readLine() {
            guard let order = JSONValue(parsing: line) else { fatalError("not JSON: \(line)") }
            try device.obey(order)
        }
        device.close()
    }
}

private let output = Locked(FileHandle.standardOutput)

private func say(_ line: JSONValue) { output.withLock { $0.write(Data("\(line.text)\n".utf8)) } }

private struct MissingVariable: Error { let name: String }

/// Obeys one order after the other, on one thread.
private final class RoomDevice {
    private let url: URL
    private let tokens: URL
    private let deviceId: String
    private let isQuiet: Bool
    private let positions = MemoryPositionStore()
    private var client: Usher?
    private var user = ""

    init(_ environment: [String: String]) throws {
        func variable(_ name: String) throws -> String {
            guard let value = environment[name] else { throw MissingVariable(name: name) }
            return value
        }
        func address(_ name: String) throws -> URL {
            guard let url = URL(string: try variable(name)) else { throw MissingVariable(name: name) }
            return url
        }
        url = try address("ROOM_URL")
        tokens = try address("ROOM_TOKENS")
        deviceId = try variable("ROOM_DEVICE")
        isQuiet = environment["ROOM_QUIET"] == "1"
    }

    func obey(_ order: JSONValue) throws {
        switch order["do"]?.string {
        case "sign-in": try signIn(order["user"]?.string ?? "")
        case "beat": beat(order["show"]?.string ?? "", order["position"]?.number ?? 0)
        case "report": report()
        default: fatalError("no such order: \(order.text)")
        }
    }

    func close() { client?.close() }

    private func signIn(_ next: String) throws {
        close()
        user = next
        let tokens = tokens
        var configuration = try UsherConfiguration(
            url: url, deviceId: deviceId, platform: "ios", token: .provider { try await fetchToken(tokens, next) }
        )
        configuration.positions = positions
        #if os(Linux)
            configuration.transport = SocketTransport()
        #endif
        client = Usher.connect(configuration) { client in
            if !isQuiet {
                client.on("note") { event in
                    let heard: JSONValue = ["offset": number(event.offset), "n": event.data["n"] ?? .null]
                    say(["user": .string(next), "heard": heard])
                }
            }
            watch(client, next)
        }
    }

    private func watch(_ client: Usher, _ user: String) {
        let (states, signals) = (client.states, client.signals)
        Task {
            var last: UsherState.Connection?
            for await state in states where state.connection != last {
                last = state.connection
                say(["user": .string(user), "connection": .string(state.connection.rawValue)])
            }
        }
        Task {
            for await signal in signals {
                switch signal {
                case .offline: break
                case .refused(let error): say(["user": .string(user), "refused": .string(error.code)])
                case .failure(let error): say(["user": .string(user), "failure": .string(codeOf(error))])
                }
            }
        }
    }

    private func beat(_ show: String, _ position: Double) {
        guard let sent = client?.heartbeat(Beat(showId: show, positionSeconds: position, durationSeconds: 3_000, state: .paused)) else { return }
        let user = user
        Task {
            do { _ = try await sent.value } catch { say(["user": .string(user), "failure": .string("beat: \(codeOf(error))")]) }
        }
    }

    private func report() {
        guard let state = client?.state else { return }
        let position: JSONValue = ["epoch": .string(state.position?.epoch ?? ""), "offset": number(state.position?.offset)]
        say([
            "report": [
                "user": .string(user), "connection": .string(state.connection.rawValue), "position": position,
                "entries": .array(state.entries.map { number($0.offset) }), "membership": number(state.membership?.version),
                "playback": .array(state.playback.map { [.string($0.showId), .number($0.positionSeconds)] }),
            ]
        ])
    }
}

private func fetchToken(_ tokens: URL, _ user: String) async throws -> String {
    guard let url = URL(string: "\(tokens.absoluteString)?user=\(user)") else { throw MissingVariable(name: "ROOM_TOKENS") }
    let (data, _) = try await URLSession.shared.data(for: URLRequest(url: url, timeoutInterval: 5))
    return String(decoding: data, as: UTF8.self)
}

private func codeOf(_ error: any Error) -> String { (error as? UsherError)?.code ?? String(describing: error) }

private func number(_ value: Int?) -> JSONValue { value.map { .number(Double($0)) } ?? .null }
