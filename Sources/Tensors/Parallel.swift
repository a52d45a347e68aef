import CBLAS
import Foundation

/// The only level of threads. Either a kernel splits its work here, or it runs on one thread. OpenBLAS always runs on
/// the calling thread.
public enum Parallel {
    /// The environment variable with the number of threads.
    public static let threadsVariable = "MMX_THREADS"
    /// The numbers of threads that it may have.
    public static let threadCounts = 1...256

    /// A number of threads as ``threadsVariable`` has it; nil for a text that is none.
    public static func threadCount(_ text: String) -> Int? {
        Int(text).flatMap { threadCounts.contains($0) ? $0 : nil }
    }

    /// The number of threads that work at once: `MMX_THREADS` if it has one, else the number of cores.
    public static let threads: Int = {
        BLASCore.choose()
        openblas_set_num_threads(1)
        BLASCore.endThreads()
        return wantedThreads
    }()

    /// The same number, without a look at OpenBLAS.
    public static var wantedThreads: Int {
        ProcessInfo.processInfo.environment[threadsVariable].flatMap(threadCount)
            ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    }

    private static let insideKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// True on a thread that already runs a part of a parallel loop. A loop inside that loop runs on this thread alone.
    private static var inside: Bool {
        get { pthread_getspecific(insideKey) != nil }
        set { pthread_setspecific(insideKey, newValue ? UnsafeRawPointer(bitPattern: 1) : nil) }
    }

    /// Calls `body` for each index of `0..<count`, each index once, on several threads.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        if count <= 1 || threads == 1 || inside {
            for i in 0..<count { body(i) }
            return
        }
        inside = true
        pool.perform(count, body)
        inside = false
    }

    /// Runs `body` on this thread alone, as if it were a part of a parallel loop. OpenBLAS may round a product
    /// differently when it is split over threads. Use this where a result must not depend on how much is computed at
    /// once.
    public static func serially<T>(_ body: () throws -> T) rethrows -> T {
        if inside { return try body() }
        inside = true
        defer { inside = false }
        return try body()
    }

    private static let pool = ThreadPool(helpers: threads - 1) { inside = true }

    /// Splits `0..<count` into ranges, none smaller than `grain`, and calls `body` for each.
    /// - Parameter each: the largest number of ranges for each thread. With several ranges, a thread that starts late
    ///   does not delay the others. Use more than 1 only where `body` prepares nothing for each range.
    public static func ranges(_ count: Int, grain: Int = 1, each: Int = 1, _ body: (Range<Int>) -> Void) {
        if count <= 0 { return }
        let parts = min(each * threads, max(1, count / max(1, grain)))
        if parts == 1 || inside { return body(0..<count) }
        forEach(parts) { part in body(count * part / parts..<count * (part + 1) / parts) }
    }
}
