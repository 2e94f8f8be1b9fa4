// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "UsherClient",
    platforms: [.iOS(.v15), .tvOS(.v15), .macOS(.v12)],
    products: [.library(name: "UsherClient", targets: ["UsherClient"])],
    targets: [
        .target(name: "UsherClient", resources: [.copy("PrivacyInfo.xcprivacy")]),
        .testTarget(name: "UsherClientTests", dependencies: ["UsherClient"]),
    ],
    swiftLanguageModes: [.v6]
)
