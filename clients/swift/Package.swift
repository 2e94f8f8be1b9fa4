// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Usher",
    platforms: [.iOS(.v15), .tvOS(.v15), .macOS(.v12)],
    products: [.library(name: "Usher", targets: ["Usher"])],
    targets: [
        .target(name: "Usher"),
        .testTarget(name: "UsherTests", dependencies: ["Usher"]),
    ],
    swiftLanguageModes: [.v6]
)
