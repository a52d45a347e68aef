import Foundation
import Support
import Tensors

/// The environment variables and limits of the process, before any work is done.
enum Environment {
    /// The least address space, in bytes: libraries, weights, and the buffers of OpenBLAS, which waits for ever where it
    /// gets none; and for each further thread its stack.
    private static let leastAddressSpace = 768 << 20
    private static let threadSpace = 10 << 20
    /// The least stack, in bytes.
    private static let leastStack = 512 << 10

    /// - Throws: ``UsageError`` for a number of threads that is none, `InstructionsError` for vector instructions that the
    ///   processor does not have, ``LimitError`` for limits that are too low.
    static func check() throws {
        let threads = ProcessInfo.processInfo.environment[Parallel.threadsVariable] ?? ""
        if !threads.isEmpty, Parallel.threadCount(threads) == nil {
            throw UsageError(
                message: "\(Parallel.threadsVariable) is '\(threads)'; it must be a whole number of threads in "
                    + "\(Parallel.threadCounts.lowerBound)...\(Parallel.threadCounts.upperBound), or not be set",
                path: ["mmx"])
        }
        try Instructions.check()
        let further = max(0, Parallel.wantedThreads - 2)
        try check(limit(RLIMIT_AS), least: leastAddressSpace + further * threadSpace, "address space", option: "-v")
        try check(limit(RLIMIT_STACK), least: leastStack, "stack", option: "-s")
    }

    private static func check(_ limit: UInt?, least: Int, _ what: String, option: String) throws {
        guard let limit, limit < least else { return }
        throw LimitError(
            description: "the limit of the \(what) is \(limit >> 10) kB (ulimit \(option)); mmx needs at least "
                + "\(least >> 10): run ulimit \(option) \(least >> 10) or leave the limit out")
    }

    /// nil where there is no limit.
    private static func limit(_ resource: __rlimit_resource) -> UInt? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur != .max else { return nil }
        return UInt(limit.rlim_cur)
    }
}

/// A limit of the process that is too low to run in.
struct LimitError: Error, CustomStringConvertible {
    let description: String
}
