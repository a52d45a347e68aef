import CBLAS
import Foundation
import Synchronization

/// The threads behind ``Parallel``.
///
/// A layer of a small network takes 20 to 300 µs, and waking a sleeping thread takes nearly as long (longer in a virtual
/// machine). So a thread that has nothing to do first looks out for work for a short while, and only then sleeps; and the
/// caller never waits for a thread to wake up: it takes the next piece itself.
final class ThreadPool: @unchecked Sendable {
    /// One parallel loop. Each thread has a stretch of the indices, the same one in every loop of that length, because
    /// what it wrote in the loop before is in its cache; a thread that is done takes what is left of the others'.
    private final class Job: @unchecked Sendable {
        let count: Int
        let threads: Int
        /// The caller's closure, on its stack: to be touched only by who holds an index, because the caller waits for
        /// those.
        let body: UnsafeRawPointer
        /// Where each stretch goes on, a cache line apart.
        private let next: UnsafeMutablePointer<Atomic<Int>>
        private static let line = 64 / MemoryLayout<Atomic<Int>>.stride
        let done = Atomic<Int>(0)

        init(count: Int, threads: Int, body: UnsafeRawPointer) {
            self.count = count
            self.threads = threads
            self.body = body
            next = .allocate(capacity: threads * Self.line)
            for i in 0..<threads * Self.line {
                (next + i).initialize(to: Atomic(count * (i / Self.line) / threads))
            }
        }

        deinit {
            next.deinitialize(count: threads * Self.line)
            next.deallocate()
        }

        /// Takes indices until none is left, those of `thread` first.
        func work(_ thread: Int) {
            for turn in 0..<threads {
                let stretch = (thread + turn) % threads
                let end = count * (stretch + 1) / threads
                let next = next + stretch * Self.line
                while next.pointee.load(ordering: .relaxed) < end {
                    let i = next.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
                    if i >= end { break }
                    Self.call(body, i)
                    done.wrappingAdd(1, ordering: .releasing)
                }
            }
        }

        /// Not inlined, so that nothing of the closure is held any more when it returns.
        @inline(never)
        private static func call(_ body: UnsafeRawPointer, _ i: Int) {
            body.assumingMemoryBound(to: ((Int) -> Void).self).pointee(i)
        }
    }

    /// How long an idle thread looks out for work before it sleeps.
    private static let patience: UInt64 = 150_000  // ns

    /// The latest loop; `generation` counts them. Threads that look out for work meet here, so the lock must be one
    /// that waits busily for a moment: a thread that were put to sleep by it would be late for the whole loop.
    private let job = Mutex<Job?>(nil)
    private let generation = Atomic<Int>(0)
    /// Where threads sleep, and how many do.
    private let condition = NSCondition()
    private let sleeping = Atomic<Int>(0)
    /// Called at the start of each thread.
    private let prepare: @Sendable () -> Void

    /// The caller's, too.
    private let threads: Int

    /// - Parameter helpers: threads beside the caller's.
    init(helpers: Int, prepare: @escaping @Sendable () -> Void) {
        self.prepare = prepare
        threads = helpers + 1
        for i in 0..<helpers { Thread.detachNewThread { self.help(i + 1) } }
    }

    /// Calls `body` for each index of `0..<count` on this thread and on those that are free.
    func perform(_ count: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                let job = Job(count: count, threads: threads, body: UnsafeRawPointer(pointer))
                self.job.withLock { $0 = job }
                // Either this thread sees that another sleeps, or that one sees the new generation before it does.
                generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
                if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
                    condition.lock()
                    condition.broadcast()
                    condition.unlock()
                }
                job.work(0)
                var spins = 0
                while job.done.load(ordering: .acquiring) < count {
                    spins += 1
                    if spins % 512 == 0 { sched_yield() } else { mmx_pause() }
                }
            }
        }
    }

    private func help(_ thread: Int) {
        prepare()
        var seen = 0
        while true {
            lookOut(for: seen)
            if generation.load(ordering: .acquiring) == seen { sleep(after: seen) }
            seen = generation.load(ordering: .acquiring)
            job.withLock { $0 }?.work(thread)
        }
    }

    /// Returns when there is something new.
    private func sleep(after seen: Int) {
        condition.lock()
        sleeping.wrappingAdd(1, ordering: .sequentiallyConsistent)
        while generation.load(ordering: .sequentiallyConsistent) == seen { condition.wait() }
        sleeping.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        condition.unlock()
    }

    /// Returns when there is something new, or after a while.
    private func lookOut(for seen: Int) {
        let start = DispatchTime.now().uptimeNanoseconds
        while true {
            for _ in 0..<32 {
                if generation.load(ordering: .acquiring) != seen { return }
                mmx_pause()
            }
            let waited = DispatchTime.now().uptimeNanoseconds - start
            if waited > Self.patience { return }
            // Somebody else's work may go first.
            if waited > Self.patience / 4 { sched_yield() }
        }
    }
}
