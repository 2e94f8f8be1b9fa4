// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "UsherClient",
    platforms: [.iOS(.v15), .tvOS(.v15), .macOS(.v12)],
    products: [.library(name: "UsherClient", targets: ["UsherClient"])],
    targets: [
        .target(name: "UsherClient", resources: [.copy("PrivacyInfo.xcprivacy")]),
        // What the tests and the room connect by on Linux, where Foundation's WebSockets do not suffice.
        .target(name: "LoopbackTransport", dependencies: ["UsherClient"], path: "Tests/LoopbackTransport"),
        .executableTarget(name: "RoomDevice", dependencies: ["UsherClient", "LoopbackTransport"], path: "Tests/RoomDevice"),
        .testTarget(name: "UsherClientTests", dependencies: ["UsherClient", "LoopbackTransport"]),
    ],
    swiftLanguageModes: [.v6]
)
