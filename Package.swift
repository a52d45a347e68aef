// swift-tools-version: 6.2
import PackageDescription

// One build for all processors of an architecture: the kernels that depend on vector instructions are in CKernels, and
// the program takes the best of them when it starts. MMX_NATIVE=1 compiles all else for this machine too, to see what
// that would gain.
let machine = Context.environment["MMX_NATIVE"] == "1" ? ["-march=native"] : []
// A package that has mmx as a dependency may not have unsafe flags in it.
let isDependency = Context.packageDirectory.contains("/checkouts/")
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
let optimised: [SwiftSetting] =
    isDependency
    ? [] : [.unsafeFlags(machine.flatMap { ["-Xcc", $0] } + ["-enable-testing"] + fuzzing)] + threadSanitizer
/// For what parses, prints and compares, and computes nothing: it is compiled much sooner.
let unoptimised: [SwiftSetting] = isDependency ? [] : optimised + [.unsafeFlags(["-Onone"])]
let sanitizedC: [CSetting] =
    isDependency ? [] : [.unsafeFlags(undefined + (isFuzzing ? ["-fsanitize=fuzzer-no-link,address"] : []))]
let settingsC: [CSetting] = isDependency ? [] : sanitizedC + [.unsafeFlags(machine)]

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
        swiftSettings: computingTests.contains(name) ? optimised : unoptimised)
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
            name: "mmx-fuzz", dependencies: ["CFuzzer", "Readers"], path: "Tests/Fuzz", swiftSettings: optimised,
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
            name: "CPNG", cSettings: settingsC, linkerSettings: [.linkedLibrary("png"), .linkedLibrary("z")]),
        .target(name: "CJPEG", cSettings: settingsC, linkerSettings: [.linkedLibrary("jpeg")]),
        .target(name: "CVector", cSettings: settingsC),
        // Never for this machine: the compiler's tuning for some processors halves the width of vectors.
        .target(name: "CKernels", exclude: ["kernels"], cSettings: sanitizedC),
        .target(name: "CCommit"),
        .target(name: "CCommitHash", cSettings: [.define("MMX_COMMIT", to: "\"\(commit)\"")]),
        // libcrypto as an archive: the program takes SHA-256 out of it and loads no further library.
        .target(
            name: "Support", dependencies: ["CCrypto"],
            swiftSettings: optimised,
            linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "Tensors", dependencies: ["CBLAS", "CKernels", "CVector", "Support"], swiftSettings: optimised),
        .target(name: "CFiles", cSettings: settingsC, linkerSettings: [.linkedLibrary("z")]),
        .target(name: "Weights", dependencies: ["Support", "Tensors", "CFiles"], swiftSettings: optimised),
        .target(
            name: "Vision", dependencies: ["Support", "Tensors", "Weights", "CPNG", "CJPEG"], swiftSettings: optimised),
        .target(name: "Language", dependencies: ["Support", "Tensors"], swiftSettings: optimised),
        .target(
            name: "Tasks", dependencies: ["Support", "Tensors", "Weights", "Vision", "Language"],
            swiftSettings: optimised),
        .target(name: "Questions", dependencies: engine, swiftSettings: optimised),
        .target(name: "Drawing", dependencies: ["Support", "Tensors", "Weights", "Vision"], swiftSettings: optimised),
        .target(name: "Explain", dependencies: engine + ["Drawing"], swiftSettings: optimised),
        .target(name: "Evaluation", dependencies: engine + ["Drawing", "Explain"], swiftSettings: optimised),
        .executableTarget(
            name: "mmx",
            dependencies: everything + ["CCommit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: unoptimised),
        .executableTarget(
            name: "mmx-bench", dependencies: everything, path: "Benchmarks/MMXBench", swiftSettings: optimised),
        example("ExplainCaption"), example("ExplainOwnNetwork"), example("CustomMethod"),
        .target(
            name: "TestSupport", dependencies: ["Support", "Tensors", "Weights", "Vision"], path: "Tests/TestSupport",
            swiftSettings: optimised),
        .target(
            name: "Readers", dependencies: engine + ["Explain"], path: "Tests/Readers", swiftSettings: optimised),
        .executableTarget(
            name: "toy-world", dependencies: engine + ["TestSupport"], path: "Tests/ToyWorld", swiftSettings: optimised),
        tests("SupportTests", ["Support"], fixtures: false),
        tests("TensorsTests", ["Support", "Tensors", "CBLAS", "CKernels"]),
        tests("WeightsTests", ["Support", "Tensors", "Weights"]),
        tests("VisionTests", ["Support", "Tensors", "Weights", "Vision"]),
        tests("LanguageTests", ["Support", "Tensors", "Language"]),
        tests("TasksTests", engine),
        tests("QuestionsTests", engine + ["Questions"], fixtures: false),
        tests("DrawingTests", ["Support", "Tensors", "Weights", "Vision", "Drawing"]),
        tests("ExplainTests", engine + ["Drawing", "Explain"]),
        tests("EvaluationTests", everything),
        tests("mmxTests", everything + ["mmx"]),
        tests("ReadersTests", ["Readers"]),
        tests("ExamplesTests", ["ExplainCaption", "ExplainOwnNetwork", "CustomMethod"], fixtures: false),
    ] + fuzzTargets,
    swiftLanguageModes: [.v6]
)
