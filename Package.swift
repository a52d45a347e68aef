// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The machine's own vector instructions (AVX2, AVX-512) by default; MMX_PORTABLE=1 turns them off, for a
// binary that also runs on other machines.
let portable = ProcessInfo.processInfo.environment["MMX_PORTABLE"] == "1"
// The code is laid out as for Sapphire Rapids wherever it runs: LLVM's own choice for Zen 4 unrolls the products' loop
// until its accumulators no longer fit the registers (1x1 layers then take 1.4 times as long).
#if arch(x86_64)
let machine = ["-march=native", "-mtune=sapphirerapids"]
#else
let machine = ["-march=native"]
#endif
let native: [SwiftSetting] = portable ? [] : [.unsafeFlags(machine.flatMap { ["-Xcc", $0] })]
let nativeC: [CSetting] = portable ? [] : [.unsafeFlags(machine)]

// Every module that a target imports is among its dependencies: one that is left out is not built again when that module changes, and
// would go on with what it knew of its types.
let everything: [Target.Dependency] = ["Tensors", "Weights", "Vision", "Language", "Tasks"]

func tests(_ name: String, _ modules: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: modules + ["TestSupport"], exclude: ["Fixtures"], swiftSettings: native)
}

let package = Package(
    name: "mmx",
    products: [
        .executable(name: "mmx", targets: ["mmx"]),
        .library(name: "Explain", targets: ["Explain"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        .systemLibrary(name: "CBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CPNG", cSettings: nativeC, linkerSettings: [.linkedLibrary("png")]),
        .target(name: "CJPEG", cSettings: nativeC, linkerSettings: [.linkedLibrary("jpeg")]),
        .target(name: "CVector", cSettings: nativeC),
        .target(name: "Tensors", dependencies: ["CBLAS", "CVector"], swiftSettings: native),
        .target(
            name: "Weights",
            dependencies: ["Tensors", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["Caffe/caffe.proto"], swiftSettings: native),
        .target(name: "Vision", dependencies: ["Tensors", "Weights", "CPNG", "CJPEG"], swiftSettings: native),
        .target(name: "Language", dependencies: ["Tensors"], swiftSettings: native),
        .target(name: "Tasks", dependencies: ["Tensors", "Weights", "Vision", "Language"], swiftSettings: native),
        .target(name: "Support", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Drawing", dependencies: ["Tensors", "Vision"], swiftSettings: native),
        .target(name: "Explain", dependencies: everything + ["Support", "Drawing"], swiftSettings: native),
        .target(
            name: "Evaluation", dependencies: everything + ["Support", "Drawing", "Explain"], swiftSettings: native),
        .executableTarget(
            name: "mmx",
            dependencies: everything + ["Support", "Drawing", "Explain", "Evaluation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: native),
        .executableTarget(
            name: "mmx-bench", dependencies: everything + ["Explain"], path: "Benchmarks/MMXBench", swiftSettings: native),
        .target(
            name: "TestSupport", dependencies: ["Tensors", "Weights", "Vision"], path: "Tests/TestSupport",
            swiftSettings: native),
        .executableTarget(
            name: "toy-world", dependencies: everything + ["TestSupport"], path: "Tests/ToyWorld", swiftSettings: native),
        tests("TensorsTests", ["Tensors", "CBLAS"]),
        tests("WeightsTests", ["Tensors", "Weights"]),
        tests("VisionTests", ["Tensors", "Weights", "Vision"]),
        tests("LanguageTests", ["Tensors", "Language"]),
        tests("TasksTests", everything),
        tests("ExplainTests", everything + ["Support", "Drawing", "Explain", "Evaluation"]),
        tests("mmxTests", everything + ["Support", "Drawing", "Explain", "Evaluation", "mmx"]),
    ],
    swiftLanguageModes: [.v6]
)
