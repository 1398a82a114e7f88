// swift-tools-version:5.9
// The Swift package. `DmagentLibrary.xcframework` is built on a Mac, see the README beside this file.
import PackageDescription

let package = Package(
    name: "Dmagent",
    platforms: [.macOS(.v12), .iOS(.v15)],
    products: [.library(name: "Dmagent", targets: ["Dmagent"])],
    targets: [
        .binaryTarget(name: "dmagentFFI", path: "DmagentLibrary.xcframework"),
        .target(name: "Dmagent", dependencies: ["dmagentFFI"], path: "Sources/Dmagent"),
        .executableTarget(name: "HelloMesh", dependencies: ["Dmagent"], path: "Examples/HelloMesh"),
        .executableTarget(name: "TwoAgents", dependencies: ["Dmagent"], path: "Examples/TwoAgents"),
        .executableTarget(name: "CustomPolicy", dependencies: ["Dmagent"], path: "Examples/CustomPolicy"),
    ]
)
