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
// MMX_FUZZ=1 compiles everything for libFuzzer with the address sanitizer, and adds the fuzzer (make fuzz).
let isFuzzing = Context.environment["MMX_FUZZ"] == "1"
let fuzzing = isFuzzing ? ["-sanitize=fuzzer", "-sanitize=address"] : []
/// MMX_UNDEFINED=1 stops C code at undefined behaviour (make sanitize); Swift's compiler has no such option on Linux.
let undefined =
    Context.environment["MMX_UNDEFINED"] == "1" ? ["-fsanitize=undefined", "-fsanitize-trap=undefined"] : []
/// MMX_THREADS_WATCHED=1 takes locks that the thread sanitizer knows (make sanitize; Support/Mutex.swift).
let threadSanitizer: [SwiftSetting] =
    Context.environment["MMX_THREADS_WATCHED"] == "1" ? [.define("MMX_THREAD_SANITIZER")] : []
/// libFuzzer without a main function: mmx-fuzz has its own, which chooses the reader.
let fuzzerLibrary = Context.environment["MMX_FUZZ_LIBRARY"] ?? ""
// Testable in release, too: the tests run the modules that the program is made of, and nothing is compiled twice.
// A portable build has no unsafe flags, so that packages elsewhere can depend on it; its tests need -enable-testing.
let native: [SwiftSetting] =
    portable
    ? [] : [.unsafeFlags(machine.flatMap { ["-Xcc", $0] } + ["-enable-testing"] + fuzzing)] + threadSanitizer
/// For what parses, prints and compares, and computes nothing: it is compiled much sooner.
let unoptimised: [SwiftSetting] = portable ? [] : native + [.unsafeFlags(["-Onone"])]
let nativeC: [CSetting] =
    portable ? [] : [.unsafeFlags(machine + undefined + (isFuzzing ? ["-fsanitize=fuzzer-no-link,address"] : []))]

// `make` says the commit. Only CCommitHash is compiled again when it changes; see there.
let commit = Context.environment["MMX_COMMIT"] ?? "unknown"

// Every module that a target imports is among its dependencies: a target that leaves one out is not built again when
// that module changes, and would keep the old layout of its types.
let engine: [Target.Dependency] = ["Support", "Tensors", "Weights", "Vision", "Language", "Tasks"]
let everything: [Target.Dependency] = engine + ["Questions", "Drawing", "Explain", "Evaluation"]

/// Each module is a product of its own, for packages that use a part.
let modules = [
    "Support", "Tensors", "Weights", "Vision", "Language", "Tasks", "Questions", "Drawing", "Explain", "Evaluation",
]

/// Tests that compute much themselves, beside the modules that they test.
let computingTests = ["TensorsTests", "VisionTests", "DrawingTests", "ExplainTests", "EvaluationTests"]

func tests(_ name: String, _ modules: [Target.Dependency], fixtures: Bool = true) -> Target {
    .testTarget(
        name: name, dependencies: modules + ["TestSupport"], exclude: fixtures ? ["Fixtures"] : [],
        swiftSettings: computingTests.contains(name) ? native : unoptimised)
}

/// A small program that uses the library; the tests build and run it.
func example(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: engine + ["Drawing", "Explain"], path: "Examples/\(name)", swiftSettings: unoptimised)
}

let fuzzTargets: [Target] =
    isFuzzing
    ? [
        .target(name: "CFuzzer", path: "Tests/CFuzzer"),
        .executableTarget(
            name: "mmx-fuzz", dependencies: ["CFuzzer", "Readers"], path: "Tests/Fuzz", swiftSettings: native,
            linkerSettings: [.unsafeFlags(["-sanitize=address", fuzzerLibrary, "-lstdc++"])]),
    ] : []

let package = Package(
    name: "mmx",
    products: [
        .executable(name: "mmx", targets: ["mmx", "CCommitHash"])
    ] + modules.map { .library(name: $0, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CPNG", cSettings: nativeC, linkerSettings: [.linkedLibrary("png"), .linkedLibrary("z")]),
        .target(name: "CJPEG", cSettings: nativeC, linkerSettings: [.linkedLibrary("jpeg")]),
        .target(name: "CVector", cSettings: nativeC),
        .target(name: "CKernels", exclude: ["kernels"]),
        .target(name: "CCommit"),
        .target(name: "CCommitHash", cSettings: [.define("MMX_COMMIT", to: "\"\(commit)\"")]),
        // libcrypto as an archive: the program takes SHA-256 out of it and loads no further library.
        .target(
            name: "Support", dependencies: ["CCrypto"],
            swiftSettings: native + (portable ? [.define("MMX_PORTABLE")] : []),
            linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "Tensors", dependencies: ["CBLAS", "CKernels", "CVector", "Support"], swiftSettings: native),
        .target(name: "CFiles", cSettings: nativeC, linkerSettings: [.linkedLibrary("z")]),
        .target(name: "Weights", dependencies: ["Support", "Tensors", "CFiles"], swiftSettings: native),
        .target(
            name: "Vision", dependencies: ["Support", "Tensors", "Weights", "CPNG", "CJPEG"], swiftSettings: native),
        .target(name: "Language", dependencies: ["Support", "Tensors"], swiftSettings: native),
        .target(
            name: "Tasks", dependencies: ["Support", "Tensors", "Weights", "Vision", "Language"],
            swiftSettings: native),
        .target(name: "Questions", dependencies: engine, swiftSettings: native),
        .target(name: "Drawing", dependencies: ["Support", "Tensors", "Weights", "Vision"], swiftSettings: native),
        .target(name: "Explain", dependencies: engine + ["Drawing"], swiftSettings: native),
        .target(name: "Evaluation", dependencies: engine + ["Drawing", "Explain"], swiftSettings: native),
        .executableTarget(
            name: "mmx",
            dependencies: everything + ["CCommit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: unoptimised),
        .executableTarget(
            name: "mmx-bench", dependencies: everything, path: "Benchmarks/MMXBench", swiftSettings: native),
        example("ExplainCaption"), example("ExplainOwnNetwork"), example("CustomMethod"),
        .target(
            name: "TestSupport", dependencies: ["Support", "Tensors", "Weights", "Vision"], path: "Tests/TestSupport",
            swiftSettings: native),
        .target(
            name: "Readers", dependencies: engine + ["Explain"], path: "Tests/Readers", swiftSettings: native),
        .executableTarget(
            name: "toy-world", dependencies: engine + ["TestSupport"], path: "Tests/ToyWorld", swiftSettings: native),
        tests("SupportTests", ["Support"], fixtures: false),
        tests("TensorsTests", ["Support", "Tensors", "CBLAS"]),
        tests("WeightsTests", ["Support", "Tensors", "Weights"]),
        tests("VisionTests", ["Support", "Tensors", "Weights", "Vision"]),
        tests("LanguageTests", ["Support", "Tensors", "Language"]),
        tests("TasksTests", engine),
        tests("QuestionsTests", engine + ["Questions"], fixtures: false),
        tests("DrawingTests", ["Support", "Tensors", "Weights", "Vision", "Drawing"]),
        tests("ExplainTests", engine + ["Drawing", "Explain"]),
        tests("EvaluationTests", everything, fixtures: false),
        tests("mmxTests", everything + ["mmx"]),
        tests("ReadersTests", ["Readers"]),
        tests("ExamplesTests", ["ExplainCaption", "ExplainOwnNetwork", "CustomMethod"], fixtures: false),
    ] + fuzzTargets,
    swiftLanguageModes: [.v6]
)
